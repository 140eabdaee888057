// oneDNN's primitives for the operations that cases say they are, on the cases' own arrays in the layout they have.
#include <omp.h>

#include <cmath>
#include <unordered_map>

#include "bench/primitives_onednn.h"
#include "bench/vendor.h"
#include "kernels/runtime/team.h"

namespace temper::bench {

namespace {

using dnnl::algorithm;
using dnnl::memory;
using Dims = memory::dims;
using Flags = dnnl::normalization_flags;

memory::data_type data_type(DType t) {
  if (t == DType::f32) return memory::data_type::f32;
  if (t == DType::bf16) return memory::data_type::bf16;
  if (t == DType::f16) return memory::data_type::f16;
  throw dnnl::error(dnnl_unimplemented, "no such type");
}

/// Row-major, the last extent side by side.
memory::desc dense(const Dims& dims, DType t) {
  Dims strides(dims.size());
  int64_t stride = 1;
  for (size_t i = dims.size(); i-- > 0; stride *= dims[i]) strides[i] = stride;
  return {dims, data_type(t), strides};
}

/// n images of one column, (n, pixels, channels) in memory.
memory::desc image(int64_t n, int64_t pixels, int64_t channels, DType t) {
  return {{n, channels, pixels, 1}, data_type(t), memory::format_tag::nhwc};
}

/// Of what contains sums: they are taken in f32, in any order, and may cancel.
constexpr double kSumTolerance = 1e-3;

/// The primitives of one case in their order, with their memory.
class Sequence {
 public:
  Sequence(const KernelCase& c, const CaseArgs& args) : case_(c), args_(args) {}

  void run() {
    for (const auto& [primitive, args] : steps_) primitive.execute(stream_, args);
    stream_.wait();
  }
  const std::vector<size_t>& results() const { return results_; }
  double tolerance() const { return tolerance_; }

  void operator()(const known::Relu& op) {
    const memory x = in(op.x, {op.n}), y = out(op.y, {op.n});
    add(onednn::eltwise(engine_, algorithm::eltwise_relu, x.get_desc(), 0), {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}});
  }

  void operator()(const known::ReluGradient& op) {
    const memory y = in(op.y, {op.n}), dy = in(op.dy, {op.n}), dx = out(op.dx, {op.n});
    add(onednn::relu_gradient(engine_, y.get_desc()),
        {{DNNL_ARG_DST, y}, {DNNL_ARG_DIFF_DST, dy}, {DNNL_ARG_DIFF_SRC, dx}});
  }

  void operator()(const known::Scale& op) { scale(in(op.x, {op.n}), op.alpha, out(op.y, {op.n})); }

  void operator()(const known::WeightedSum& op) {
    const memory x = in(op.x, {op.n}), y = in(op.y, {op.n}), z = out(op.z, {op.n});
    // What is overwritten has to come first.
    add(onednn::sum(engine_, {op.beta, op.alpha}, {y.get_desc(), x.get_desc()}, z.get_desc()),
        {{DNNL_ARG_MULTIPLE_SRC, y}, {DNNL_ARG_MULTIPLE_SRC + 1, x}, {DNNL_ARG_DST, z}});
  }

  void operator()(const known::Convert& op) { reorder(in(op.x, {op.n}), out(op.y, {op.n})); }

  void operator()(const known::Transpose& op) {
    const memory::desc turned({op.n, op.a, op.b}, data_type(type(op.y)), memory::format_tag::acb);
    reorder(in(op.x, {op.n, op.a, op.b}), out(op.y, turned));
  }

  void operator()(const known::Broadcast& op) {
    const memory x = in(op.x, {op.rows, op.cols}), y = out(op.y, {op.rows, op.cols});
    memory v = in(op.v, {op.v_rows, op.v_cols});
    const bool adds = op.kind == known::Broadcast::Kind::add;
    if (adds && op.factor != 1) {
      const memory scaled = own(v.get_desc());
      scale(v, op.factor, scaled);
      v = scaled;
    }
    add(onednn::binary(engine_, {.algorithm = adds ? algorithm::binary_add : algorithm::binary_mul,
                                 .a = x.get_desc(),
                                 .b = v.get_desc(),
                                 .y = y.get_desc(),
                                 .factor = adds ? 1 : op.factor}),
        {{DNNL_ARG_SRC_0, x}, {DNNL_ARG_SRC_1, v}, {DNNL_ARG_DST, y}});
  }

  void operator()(const known::Average& op) {
    const memory x = at(op.x, image(op.n, op.pixels, op.c, type(op.x)));
    const memory y = out(op.y, image(op.n, 1, op.c, type(op.y)));
    add(onednn::average(engine_, x.get_desc(), y.get_desc()), {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}});
  }

  void operator()(const known::ColumnSum& op) {
    multiply(ones({1, op.rows}, op.x), in(op.x, {op.rows, op.cols}), out(op.y, {1, op.cols}), {.beta = op.beta});
  }

  void operator()(const known::RowSum& op) {
    multiply(in(op.x, {op.rows, op.cols}), ones({op.cols, 1}, op.x), out(op.y, {op.rows, 1}), {.factor = op.factor});
  }

  void operator()(const known::SquaredDistance& op) {
    const memory a = in(op.a, {op.rows, op.cols}), b = in(op.b, {op.rows, op.cols}), d = own(a.get_desc());
    combine(algorithm::binary_sub, a, b, d);
    const auto as = [&](const Dims& dims) { return memory(dense(dims, type(op.a)), engine_, d.get_data_handle()); };
    multiply(as({op.rows, 1, op.cols}), as({op.rows, op.cols, 1}), out(op.y, {op.rows, 1, 1}), {});
  }

  void operator()(const known::AverageGradient& op) {
    const memory dy = at(op.dy, image(op.n, 1, op.c, type(op.dy)));
    const memory dx = out(op.dx, image(op.n, op.pixels, op.c, type(op.dx)));
    add(onednn::average_gradient(engine_, dx.get_desc(), dy.get_desc()),
        {{DNNL_ARG_DIFF_DST, dy}, {DNNL_ARG_DIFF_SRC, dx}});
  }

  void operator()(const known::ChannelNormalize& op) {
    std::vector<float> variance;
    for (const float s : op.std) variance.push_back(s * s);
    const auto channels = static_cast<int64_t>(op.mean.size());
    const memory x = at(op.x, pixels(op.x, op.rows, channels)), y = out(op.y, pixels(op.y, op.rows, channels));
    add(onednn::batch_norm_forward(engine_, x.get_desc(), 0, Flags::use_global_stats),
        {{DNNL_ARG_SRC, x},
         {DNNL_ARG_MEAN, filled(op.mean)},
         {DNNL_ARG_VARIANCE, filled(variance)},
         {DNNL_ARG_DST, y}});
  }

  void operator()(const known::BatchNormApply& op) {
    const memory x = at(op.x, pixels(op.x, op.rows, op.channels)), y = out(op.y, pixels(op.y, op.rows, op.channels));
    add(onednn::batch_norm_forward(engine_, x.get_desc(), 0,
                                   Flags::use_global_stats | Flags::use_scale | Flags::use_shift),
        {{DNNL_ARG_SRC, x},
         {DNNL_ARG_MEAN, in(op.mean, {op.channels})},
         {DNNL_ARG_VARIANCE, variance_of(op.invstd, op.channels)},
         {DNNL_ARG_SCALE, in(op.gamma, {op.channels})},
         {DNNL_ARG_SHIFT, in(op.beta, {op.channels})},
         {DNNL_ARG_DST, y}});
  }

  void operator()(const known::BatchNormForward& op) {
    const memory x = at(op.x, pixels(op.x, op.rows, op.channels)), y = out(op.y, pixels(op.y, op.rows, op.channels));
    add(onednn::batch_norm_forward(engine_, x.get_desc(), op.eps, Flags::use_scale | Flags::use_shift),
        {{DNNL_ARG_SRC, x},
         {DNNL_ARG_MEAN, out(op.mean, {op.channels})},
         {DNNL_ARG_VARIANCE, own(dense({op.channels}, DType::f32))},
         {DNNL_ARG_SCALE, in(op.gamma, {op.channels})},
         {DNNL_ARG_SHIFT, in(op.beta, {op.channels})},
         {DNNL_ARG_DST, y}});
  }

  void operator()(const known::BatchNormBackward& op) {
    const memory x = at(op.x, pixels(op.x, op.rows, op.channels)), dy = at(op.dy, pixels(op.dy, op.rows, op.channels));
    const memory dx = out(op.dx, pixels(op.dx, op.rows, op.channels));
    tolerance_ = kSumTolerance;
    add(onednn::batch_norm_backward(engine_, x.get_desc(), 0),
        {{DNNL_ARG_SRC, x},
         {DNNL_ARG_MEAN, in(op.mean, {op.channels})},
         {DNNL_ARG_VARIANCE, variance_of(op.invstd, op.channels)},
         {DNNL_ARG_SCALE, in(op.gamma, {op.channels})},
         {DNNL_ARG_SHIFT, filled(std::vector<float>(op.channels))},  // not used, but asked for
         {DNNL_ARG_DIFF_DST, dy},
         {DNNL_ARG_DIFF_SRC, dx},
         {DNNL_ARG_DIFF_SCALE, out(op.dgamma, {op.channels})},
         {DNNL_ARG_DIFF_SHIFT, out(op.dbeta, {op.channels})}});
  }

  /// loss = sum of -t log q; the gradient of log q for -t is q * sum t - t.
  void operator()(const known::SoftCrossEntropy& op) {
    const Dims dims = {op.rows, op.cols};
    const memory logits = in(op.logits, dims), target = in(op.target, dims), dlogits = out(op.dlogits, dims);
    const memory log_q = own(logits.get_desc()), minus_t = own(target.get_desc()), product = own(logits.get_desc());
    add(onednn::log_softmax(engine_, logits.get_desc()), {{DNNL_ARG_SRC, logits}, {DNNL_ARG_DST, log_q}});
    scale(target, -1, minus_t);
    combine(algorithm::binary_mul, minus_t, log_q, product);
    multiply(product, ones({op.cols, 1}, op.logits), out(op.loss, {op.rows, 1}), {});
    add(onednn::log_softmax_gradient(engine_, logits.get_desc()),
        {{DNNL_ARG_DST, log_q}, {DNNL_ARG_DIFF_DST, minus_t}, {DNNL_ARG_DIFF_SRC, dlogits}});
  }

 private:
  using Arguments = std::unordered_map<int, memory>;

  DType type(size_t i) const { return case_.arrays.at(i).dtype; }
  memory at(size_t i, const memory::desc& desc) const { return {desc, engine_, args_.get<void>(i)}; }
  memory in(size_t i, const Dims& dims) const { return at(i, dense(dims, type(i))); }
  memory out(size_t i, const memory::desc& desc) {
    results_.push_back(i);
    return at(i, desc);
  }
  memory out(size_t i, const Dims& dims) { return out(i, dense(dims, type(i))); }
  /// (rows, channels) as images; rows come from 64 of them where they can.
  memory::desc pixels(size_t i, int64_t rows, int64_t channels) const {
    const int64_t n = rows % 64 == 0 ? 64 : 1;
    return image(n, rows / n, channels, type(i));
  }
  memory own(const memory::desc& desc) const { return {desc, engine_}; }
  memory filled(const std::vector<float>& values) const {
    const memory m = own(dense({static_cast<int64_t>(values.size())}, DType::f32));
    std::copy(values.begin(), values.end(), static_cast<float*>(m.get_data_handle()));
    return m;
  }
  memory variance_of(size_t invstd, int64_t channels) const {
    const float* given = args_.get<const float>(invstd);
    std::vector<float> variance;
    for (int64_t c = 0; c < channels; ++c) variance.push_back(1 / (given[c] * given[c]));
    return filled(variance);
  }

  void add(const dnnl::primitive& primitive, const Arguments& args) { steps_.emplace_back(primitive, args); }
  void scale(const memory& x, float factor, const memory& y) {
    add(onednn::eltwise(engine_, algorithm::eltwise_linear, x.get_desc(), factor),
        {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}});
  }
  void reorder(const memory& x, const memory& y) {
    add(dnnl::reorder(dnnl::reorder::primitive_desc(engine_, x.get_desc(), engine_, y.get_desc())),
        {{DNNL_ARG_FROM, x}, {DNNL_ARG_TO, y}});
  }
  void combine(algorithm a, const memory& x, const memory& v, const memory& y) {
    add(onednn::binary(engine_, {.algorithm = a, .a = x.get_desc(), .b = v.get_desc(), .y = y.get_desc()}),
        {{DNNL_ARG_SRC_0, x}, {DNNL_ARG_SRC_1, v}, {DNNL_ARG_DST, y}});
  }
  struct Factors {
    float factor = 1, beta = 0;
  };
  void multiply(const memory& a, const memory& b, const memory& y, const Factors& f) {
    tolerance_ = kSumTolerance;
    add(onednn::product(engine_,
                        {.a = a.get_desc(), .b = b.get_desc(), .y = y.get_desc(), .factor = f.factor, .beta = f.beta}),
        {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, y}});
  }
  /// Sums are products with them: oneDNN's own reductions are reference code.
  memory ones(const Dims& dims, size_t like) const {
    const memory m = own(dense(dims, type(like)));
    const int64_t n = dims[0] * dims[1];
    if (type(like) == DType::f32) std::fill_n(static_cast<float*>(m.get_data_handle()), n, 1.f);
    if (type(like) == DType::bf16) std::fill_n(static_cast<bfloat16*>(m.get_data_handle()), n, bfloat16(1.f));
    return m;
  }

  const KernelCase& case_;
  CaseArgs args_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::vector<std::pair<dnnl::primitive, Arguments>> steps_;
  std::vector<size_t> results_;
  double tolerance_ = 0;
};

/// Gives `sequence` the operation, if it is one of Ops.
template <class... Ops>
bool add_one_of(Sequence& sequence, const KnownOp& op) {
  const auto add = [&](const auto* known) {
    if (known) sequence(*known);
    return known != nullptr;
  };
  return (add(std::any_cast<Ops>(&op)) || ...);
}

/// Whether oneDNN has the operation.
bool add(Sequence& sequence, const KnownOp& op) {
  using namespace known;
  return add_one_of<Relu, ReluGradient, Scale, WeightedSum, Convert, Transpose, Broadcast, ColumnSum, RowSum,
                    SquaredDistance, Average, AverageGradient, ChannelNormalize, BatchNormApply, BatchNormForward,
                    BatchNormBackward, SoftCrossEntropy>(sequence, op);
}

}  // namespace

/// Gives the calling thread as many threads of OpenMP as the team of `stream` has, or as many of them as there are.
void share_threads(Stream stream) {
  int given = 1;
#pragma omp parallel num_threads(threads_of(stream.team))
#pragma omp single
  given = omp_get_num_threads();
  omp_set_num_threads(given);
}

std::optional<VendorRun> onednn_run(Stream stream, const KernelCase& c, const CaseArgs& args) {
  share_threads(stream);
  const auto sequence = std::make_shared<Sequence>(c, args);
  try {
    if (!add(*sequence, c.known)) return {};
  } catch (const dnnl::error& e) {
    if (e.status != dnnl_unimplemented && e.status != dnnl_invalid_arguments) throw;
    return {};
  }
  return VendorRun{
      .name = "oneDNN", .results = sequence->results(), .tolerance = sequence->tolerance(), .run = [sequence] {
        sequence->run();
      }};
}

}  // namespace temper::bench
