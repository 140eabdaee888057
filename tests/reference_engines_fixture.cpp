#include "tests/reference_engines_fixture.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <map>
#include <thread>

#include "kernels/runtime/check.h"

namespace temper::test {

using namespace conv_id;

namespace {

/// The arrays of a key as f32.
class Operands {
 public:
  Operands(const ConvKey& key, const ConvBindings& bindings) : bindings_(bindings) {
    for (const ConvArray& a : conv_arrays(key)) {
      std::vector<float>& v = values_[a.id];
      v.resize(a.elements);
      dispatch_float(a.dtype, [&](auto tag) {
        using T = decltype(tag);
        if constexpr (!std::is_same_v<T, double>) std::copy_n(static_cast<const T*>(data(a.id)), a.elements, v.begin());
      });
      if (key.type == ConvType::tf32 && (a.id == kX || a.id == kW || a.id == kY) && a.use == ArrayUse::read)
        for (float& f : v) f = to_tf32(f);
    }
  }
  float* get(int64_t id) {
    const auto it = values_.find(id);
    return it == values_.end() ? nullptr : it->second.data();
  }
  Tensor tensor(int64_t id, Shape shape) {
    return get(id) ? Tensor{get(id), shape, DType::f32, Device::cpu} : Tensor{};
  }
  void write(const ConvArray& a) {
    dispatch_float(a.dtype, [&](auto tag) {
      using T = decltype(tag);
      if constexpr (!std::is_same_v<T, double>)
        std::transform(get(a.id), get(a.id) + a.elements, static_cast<T*>(data(a.id)), [](float v) { return T(v); });
    });
  }

 private:
  static float to_tf32(float v) {
    const float scale = 0x1p13f + 1;  // Veltkamp's splitting keeps the upper 11 bits, rounded
    const float c = v * scale;
    return c - (c - v);
  }
  void* data(int64_t id) const {
    for (const ConvBinding& b : bindings_)
      if (b.id == id) return b.data;
    fail("reference engine: array ", id, " is not bound");
  }

  const ConvBindings& bindings_;
  std::map<int64_t, std::vector<float>> values_;
};

class ReferencePlan : public ConvPlan {
 public:
  ReferencePlan(const ConvKey& key, const ReferenceEngine& engine, EnginesLog* log)
      : key_(key), engine_(engine), log_(log) {}
  std::string engine() const override { return engine_.name; }
  bool compiled() const override { return engine_.compiled; }
  int64_t workspace() const override { return engine_.workspace; }
  std::string text() const override {
    TEMPER_CHECK(engine_.as_text, "reference engine: ", engine_.name, " has no text");
    return engine_.name;
  }
  void execute(Stream, const ConvBindings& bindings, void* scratch) const override {
    if (log_) ++log_->executed;
    if (engine_.workspace) std::memset(scratch, 0xAB, engine_.workspace);
    compute_reference(key_, bindings, engine_.fault);
    last_seconds = engine_.seconds;
  }

  static thread_local double last_seconds;

 private:
  ConvKey key_;
  ReferenceEngine engine_;
  EnginesLog* log_;
};
thread_local double ReferencePlan::last_seconds = 0;

class ReferenceEngines : public ConvEngines {
 public:
  explicit ReferenceEngines(ReferenceEnginesOptions options) : options_(std::move(options)) {}
  const char* name() const override { return "reference engines"; }
  PlanSource source() const override { return {.library = "reference engines 1", .device = "a CPU"}; }

  std::vector<std::unique_ptr<ConvPlan>> find(const ConvKey& key, const ConvSearch& search,
                                              PlanRefusals& refusals) override {
    const Visit visit(options_);
    if (options_.log) ++options_.log->found;
    std::vector<std::unique_ptr<ConvPlan>> plans;
    for (const ReferenceEngine& e : options_.engines) {
      if (plans.size() == search.most) break;
      if (e.takes && !e.takes(key)) continue;
      ++refusals.proposed;
      if (std::count(search.without.begin(), search.without.end(), e.name)) {
        ++refusals.wrong;
      } else if (e.workspace > search.workspace) {
        if (refusals.too_large++ == 0 || e.workspace < refusals.least_workspace) refusals.least_workspace = e.workspace;
      } else {
        plans.push_back(std::make_unique<ReferencePlan>(key, e, options_.log));
      }
    }
    return plans;
  }

  std::unique_ptr<ConvPlan> load(const ConvKey& key, const std::string& text) override {
    const Visit visit(options_);
    if (options_.log) ++options_.log->loaded;
    for (const ReferenceEngine& e : options_.engines)
      if (e.name == text) return std::make_unique<ReferencePlan>(key, e, options_.log);
    fail("reference engine: there is none named ", text);
  }

  double seconds(Stream, const std::function<void()>& work) override {
    work();
    return ReferencePlan::last_seconds;
  }

 private:
  /// A thread in find() or load().
  struct Visit {
    explicit Visit(const ReferenceEnginesOptions& options) : log(options.log) {
      if (log) {
        const int now = ++log->at_once;
        for (int most = log->most_at_once; now > most && !log->most_at_once.compare_exchange_weak(most, now);) {
        }
      }
      if (options.slow_ms) std::this_thread::sleep_for(std::chrono::milliseconds(options.slow_ms));
    }
    ~Visit() {
      if (log) --log->at_once;
    }
    EnginesLog* log;
  };

  ReferenceEnginesOptions options_;
};

}  // namespace

bool plain(const ConvKey& key) { return !(key.bias || key.residual || key.relu || key.mask || key.statistics); }

void compute_reference(const ConvKey& key, const ConvBindings& bindings, Fault fault) {
  static const auto conv = make_reference_conv();
  const ConvShape& g = key.shape;
  Operands v(key, bindings);
  const std::vector<ConvArray> arrays = conv_arrays(key);
  const ConvArray& result = arrays[0];
  const bool residual = key.residual && fault != Fault::forgets_residual;
  const float beta = key.accumulate && fault != Fault::forgets_what_is_there ? 1.f : 0.f;
  const Tensor x = v.tensor(kX, {g.n, g.h, g.w, g.c}), w = v.tensor(kW, {g.k, g.r, g.s, g.c}),
               y = v.tensor(kY, {g.n, g.p(), g.q(), g.k});
  float* const out = v.get(result.id);
  switch (key.pass) {
    case ConvPass::forward:
      if (key.statistics)
        conv->forward_statistics({}, g, x, {.w = w}, y, v.tensor(kSum, {g.k}), v.tensor(kSquares, {g.k}));
      else
        conv->forward({}, g, x, {.w = w, .bias = v.tensor(kBias, {g.k})},
                      {.residual = residual ? v.tensor(kResidual, y.shape) : Tensor{}, .relu = key.relu}, y);
      break;
    case ConvPass::backward_data:
      conv->backward_data({}, g, y, {.w = w}, beta, x);
      for (int64_t i = 0; i < result.elements; ++i) {
        if (residual) out[i] += v.get(kResidual)[i];
        if (key.mask && !(v.get(kMask)[i] > 0 || (fault == Fault::passes_at_zero && v.get(kMask)[i] == 0))) out[i] = 0;
      }
      break;
    case ConvPass::backward_filter:
      conv->backward_filter({}, g, x, y, beta, w);
      if (const float* sum = v.get(kAccumulator))
        for (int64_t i = 0; i < result.elements; ++i) out[i] += fault == Fault::forgets_what_is_there ? 0 : sum[i];
      break;
  }
  if (fault == Fault::one_element) out[result.elements - 1] += std::abs(out[result.elements - 1]) + 1;
  for (const ConvArray& a : arrays)
    if (a.use != ArrayUse::read) v.write(a);
}

std::unique_ptr<ConvEngines> make_reference_engines(ReferenceEnginesOptions options) {
  return std::make_unique<ReferenceEngines>(std::move(options));
}

}  // namespace temper::test
