#include "core/cudnn/graph_cudnn.h"

#include <algorithm>
#include <cstring>

#include "kernels/runtime/check.h"

namespace temper::cudnn {

void check(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  char text[512] = {};
  cudnnGetLastErrorString(text, sizeof text);
  fail("cuDNN: ", what, " failed: ", cudnnGetErrorString(status), text[0] ? ": " : "", text);
}

Descriptor::Descriptor(cudnnBackendDescriptorType_t type) {
  check(cudnnBackendCreateDescriptor(type, handle_.out()), "create descriptor");
}

Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, const Descriptor& other) {
  return set(name, std::span<const Descriptor>(&other, 1));
}

Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, std::span<const Descriptor> others) {
  std::vector<cudnnBackendDescriptor_t> handles;
  for (const Descriptor& d : others) handles.push_back(d.get());
  check(cudnnBackendSetAttribute(get(), name, CUDNN_TYPE_BACKEND_DESCRIPTOR, handles.size(), handles.data()),
        "set attribute");
  return *this;
}

Descriptor& Descriptor::finalize(const char* what) {
  check(cudnnBackendFinalize(get()), what);
  return *this;
}

int64_t Graph::add_tensor(int64_t id, const Extents& e, cudnnDataType_t type, int64_t alignment) {
  Descriptor d(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  d.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type)
      .set(CUDNN_ATTR_TENSOR_DIMENSIONS, e)
      .set(CUDNN_ATTR_TENSOR_STRIDES, Extents{e[1] * e[2] * e[3], 1, e[1] * e[3], e[1]})
      .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id)
      .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, alignment);
  if (id >= kFirstInternal) d.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, true);
  d.finalize("tensor");
  tensors_.emplace(id, std::move(d));
  return id;
}

int64_t Graph::tensor(int64_t id, const Extents& extents, cudnnDataType_t type, int64_t alignment) {
  return add_tensor(id, extents, type, alignment);
}

int64_t Graph::internal(const Extents& extents) { return add_tensor(next_internal_++, extents, CUDNN_DATA_FLOAT, 16); }

namespace {

Descriptor convolution(ConvGeometry g) {
  Descriptor d(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  d.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT)
      .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)
      .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2})
      .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, Extents{1, 1})
      .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, Extents{g.stride, g.stride})
      .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, Extents{g.pad, g.pad})
      .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, Extents{g.pad, g.pad});
  d.finalize("convolution");
  return d;
}

}  // namespace

void Graph::conv_forward(int64_t x, int64_t w, int64_t y, ConvGeometry g) {
  Descriptor d(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  d.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, at(x))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, at(w))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, at(y))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, convolution(g))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1.f)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.f)
      .finalize("conv_forward");
  operations_.push_back(std::move(d));
}

void Graph::conv_backward_data(int64_t dy, int64_t w, int64_t dx, ConvGeometry g, float beta) {
  Descriptor d(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR);
  d.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, at(dy))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, at(w))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, at(dx))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, convolution(g))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, 1.f)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, beta)
      .finalize("conv_backward_data");
  operations_.push_back(std::move(d));
}

void Graph::conv_backward_filter(int64_t x, int64_t dy, int64_t dw, ConvGeometry g, float beta) {
  Descriptor d(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR);
  d.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, at(x))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, at(dy))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, at(dw))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, convolution(g))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, 1.f)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, beta)
      .finalize("conv_backward_filter");
  operations_.push_back(std::move(d));
}

void Graph::pointwise(cudnnPointwiseMode_t mode, int64_t a, std::optional<int64_t> b, int64_t y) {
  Descriptor what(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  what.set(CUDNN_ATTR_POINTWISE_MODE, mode).set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT).finalize("pointwise");
  Descriptor d(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  d.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, what).set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, at(a));
  if (b) d.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, at(*b));
  d.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, at(y)).finalize("pointwise operation");
  operations_.push_back(std::move(d));
}

void Graph::relu_backward(int64_t y, int64_t dy, int64_t dx) {
  Descriptor what(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  what.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_POINTWISE_RELU_BWD)
      .set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT)
      .finalize("pointwise");
  Descriptor d(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  d.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, what)
      .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, at(y))
      .set(CUDNN_ATTR_OPERATION_POINTWISE_DYDESC, at(dy))
      .set(CUDNN_ATTR_OPERATION_POINTWISE_DXDESC, at(dx))
      .finalize("pointwise gradient");
  operations_.push_back(std::move(d));
}

void Graph::statistics(int64_t x, int64_t sum, int64_t squares) {
  Descriptor d(CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR);
  d.set(CUDNN_ATTR_OPERATION_GENSTATS_MODE, CUDNN_GENSTATS_SUM_SQSUM)
      .set(CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC, CUDNN_DATA_FLOAT)
      .set(CUDNN_ATTR_OPERATION_GENSTATS_XDESC, at(x))
      .set(CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC, at(sum))
      .set(CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC, at(squares))
      .finalize("statistics");
  operations_.push_back(std::move(d));
}

void Plan::execute(cudnnHandle_t handle, std::span<const int64_t> ids, std::span<void* const> pointers,
                   void* scratch) const {
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids)
      .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, pointers)
      .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, scratch)
      .finalize("variant pack");
  check(cudnnBackendExecute(handle, plan.get(), pack.get()), "execute");
}

std::string Plan::json() const {
  // With compiled code in it, a quarter of a megabyte.
  constexpr int64_t kMost = int64_t{4} << 20;
  const std::vector<char> text = plan.get<char>(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, kMost);
  TEMPER_CHECK(text.size() < kMost, "cuDNN: the text of a plan is longer than ", kMost, " bytes");
  return {text.data(), strnlen(text.data(), text.size())};
}

namespace {

/// A descriptor that another one holds.
Descriptor held(const Descriptor& by, cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type) {
  Descriptor d(type);
  cudnnBackendDescriptor_t handle = d.get();
  int64_t count = 0;
  check(cudnnBackendGetAttribute(by.get(), name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &handle),
        "get a held descriptor");
  return d;
}

}  // namespace

std::string name(const EngineFacts& facts) { return cat("e", facts.index); }

EngineFacts engine_facts(const Descriptor& config) {
  const Descriptor engine = held(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  EngineFacts facts{.index = engine.get<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, 1).at(0)};
  for (const auto note : engine.get<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, 32)) {
    facts.deterministic &= note != CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC;
    facts.tensor_core |= note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE || note == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS ||
                         note == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION;
  }
  for (const auto note : engine.get<cudnnBackendBehaviorNote_t>(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, 32))
    facts.compiled |= note == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION;
  return facts;
}

namespace {

bool allowed(const Descriptor& config, const Limits& limits, PlanRefusals& refusals) {
  const EngineFacts facts = engine_facts(config);
  ++refusals.proposed;
  if (std::count(limits.without.begin(), limits.without.end(), name(facts))) {
    ++refusals.wrong;
    return false;
  }
  refusals.nondeterministic += !facts.deterministic;
  if (!facts.deterministic) return false;
  const bool imprecise = limits.math == Math::strict && facts.tensor_core;
  refusals.imprecise += imprecise;
  return !imprecise;
}

std::vector<Descriptor> heuristics(const Descriptor& graph, Target target, cudnnBackendHeurMode_t mode) {
  Descriptor query(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  query.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph).set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
  if (target.device) query.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *target.device);
  // That no engine supports the graph is a valid answer, not an error.
  if (cudnnBackendFinalize(query.get()) != CUDNN_STATUS_SUCCESS) return {};
  int64_t count = 0;
  const auto results = [&](int64_t most, cudnnBackendDescriptor_t* into) {
    return cudnnBackendGetAttribute(query.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, most,
                                    &count, into);
  };
  if (results(0, nullptr) != CUDNN_STATUS_SUCCESS) return {};
  std::vector<Descriptor> configs;
  std::vector<cudnnBackendDescriptor_t> handles;
  for (int64_t i = 0; i < count; ++i) handles.push_back(configs.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR).get());
  check(results(count, handles.data()), "heuristic results");
  configs.erase(configs.begin() + count, configs.end());
  return configs;
}

}  // namespace

std::vector<Descriptor> engine_configs(const Graph& graph, Target target, const Limits& limits,
                                       PlanRefusals* refusals) {
  PlanRefusals unused;
  Descriptor d(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  d.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, std::span<const Descriptor>(graph.operations()));
  if (target.handle) d.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, target.handle);
  d.finalize("operation graph");
  std::vector<Descriptor> found;
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK})
    for (Descriptor& config : heuristics(d, target, mode))
      if (allowed(config, limits, refusals ? *refusals : unused)) found.push_back(std::move(config));
  return found;
}

namespace {

Descriptor new_plan(Target target) {
  Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  if (target.handle) plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, target.handle);
  if (target.device) plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *target.device);
  return plan;
}

Plan finished(Descriptor plan) {
  plan.finalize("execution plan");
  const int64_t workspace = plan.get<int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, 1).at(0);
  const EngineFacts facts =
      engine_facts(held(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR));
  return {.plan = std::move(plan), .facts = facts, .workspace = workspace};
}

}  // namespace

Plan plan_of(const Descriptor& config, Target target) {
  Descriptor d = new_plan(target);
  d.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
  return finished(std::move(d));
}

std::vector<Plan> find_plans(const Graph& graph, Target target, const Limits& limits, size_t most,
                             PlanRefusals* refusals) {
  PlanRefusals unused, &r = refusals ? *refusals : unused;
  std::vector<Plan> plans;
  for (const Descriptor& config : engine_configs(graph, target, limits, &r)) {
    if (plans.size() == most) break;
    try {
      Plan plan = plan_of(config, target);
      if (plan.workspace <= limits.workspace) {
        plans.push_back(std::move(plan));
        continue;
      }
      if (r.too_large++ == 0 || plan.workspace < r.least_workspace) r.least_workspace = plan.workspace;
    } catch (const Error& e) {
      ++r.failed;
      r.last_failure = e.what();
    }
  }
  return plans;
}

Plan plan_from_json(const std::string& json, Target target) {
  Descriptor d = new_plan(target);
  d.set(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, std::span<const char>(json.data(), json.size()));
  return finished(std::move(d));
}

Descriptor device_from_json(const std::string& json) {
  Descriptor d(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  d.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, std::span<const char>(json.data(), json.size()));
  d.finalize("device description");
  return d;
}

}  // namespace temper::cudnn
