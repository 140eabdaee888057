#include <algorithm>
#include <memory>

#include "core/convolution/prepared_filters.h"
#include "core/memory/workspace.h"
#include "core/threads/per_thread.h"
#include "core/threads/shared_job.h"
#include "kernels/first_layer/first_layer.h"
#include "kernels/runtime/team.h"
#include "kernels/winograd/winograd.h"

namespace temper {

namespace {

using conv3x3::ConvAlgorithm;
using conv3x3::ConvProblem;
using conv3x3::kLanes;

/// The kernels for this processor's instructions.
struct Kernels {
  const winograd::Kernels& winograd;
  const first_layer::Kernels& first_layer;
};

/// Whether the processor multiplies bf16 matrices: then a direct convolution is faster.
bool has_bf16_tiles() {
#if defined(__x86_64__) && (!defined(__clang__) || __clang_major__ >= 17)  // older ones do not know the name
  return __builtin_cpu_supports("amx-bf16");
#else
  return false;
#endif
}

/// A filter transformed for the products, with a fold multiplied in.
struct Transformed {
  Memory u;                                  ///< floats
  std::vector<float> scale = {}, bias = {};  ///< of a fold
  std::unique_ptr<SharedJob> job = nullptr;  ///< what makes u
};

/// The convolution itself, or the data gradient as a convolution of dy with rotated filters.
ConvProblem problem(const ConvShape& g, bool rotated) {
  if (!rotated) return {.n = g.n, .h = g.h, .w = g.w, .c = g.c, .k = g.k, .pad = g.pad, .p = g.p(), .q = g.q()};
  const int64_t pad = g.stride == 1 ? 2 - g.pad : 0;
  return {.n = g.n, .h = g.p(), .w = g.q(), .c = g.k, .k = g.c, .pad = pad, .p = g.h, .q = g.w};
}

class WinogradConv : public ConvBackend {
 public:
  WinogradConv(std::unique_ptr<ConvBackend> other, const Kernels& kernels, const Optimisations& without)
      : kernels_(kernels),
        without_(without),
        other_(std::move(other)),
        name_(std::string("winograd and ") + other_->name()) {}

  const char* name() const override { return name_.c_str(); }
  bool supports(DType dtype) const override { return other_->supports(dtype); }
  ConvStats stats() const override {
    ConvStats s = other_->stats();
    s.filters_prepared += filters_.stats().filters_prepared;
    s.allocations += filters_.stats().allocations;
    rooms_.each([&](const Workspace& room) { s.allocations += room.allocations(); });
    return s;
  }

  ConvDone forward(Stream s, const ConvForward& r) override {
    const ConvShape& g = r.shape;
    const ConvAlgorithm* algorithm = suited(g, r.y.dtype, false);
    if (!algorithm) return other_->forward(s, r);
    const auto t = filter(s, g, r.filter, r.y.dtype, false);
    const float* bias = r.filter.fold ? t->bias.data() : r.filter.bias.as<float>();
    run(s, *algorithm, problem(g, false), r.x, *t, {.bias = bias, .add = r.residual, .relu = r.relu}, r.y);
    return residual_and_relu(r);
  }
  ConvDone backward_data(Stream s, const ConvBackwardData& r) override {
    const ConvShape& g = r.shape;
    const ConvAlgorithm* algorithm = suited(g, r.dx.dtype, true);
    if (!algorithm) return other_->backward_data(s, r);
    run(s, *algorithm, problem(g, true), r.dy, *filter(s, g, r.filter, r.dx.dtype, true),
        {.add = r.beta == 0 ? Tensor{} : r.dx, .mask = r.mask}, r.dx);
    return all_of(r);
  }
  void backward_filter(Stream s, const ConvBackwardFilter& r) override {
    const ConvAlgorithm* algorithm = suited_gradient(r.shape, r.x.dtype);
    if (!algorithm) return other_->backward_filter(s, r);
    const ConvProblem p = problem(r.shape, false);
    with_kernel(*algorithm, r.x.dtype, [&](const auto& kernel, auto tag) {
      using T = decltype(tag);
      kernel.filter_gradient(s, p,
                             {.x = r.x.as<T>(),
                              .dy = r.dy.as<T>(),
                              .dw = r.dw.as<float>(),
                              .accumulate = r.beta != 0,
                              .workspace = room(s, kernel.filter_gradient_floats(p, threads_of(s.team)))});
    });
  }

 private:
  struct Use {
    ConvShape filter;
    DType dtype;
    bool rotated;
    friend auto operator<=>(const Use&, const Use&) = default;
  };

  /// What takes a convolution or a data gradient, or null. By the extents of one sample alone, so that a sample's
  /// result does not depend on its batch.
  const ConvAlgorithm* suited(const ConvShape& g, DType dtype, bool rotated) const {
    if (g.r != 3 || g.s != 3 || g.n == 0) return nullptr;
    if (suits_first(g, dtype, rotated) && !without_.has(Optimisation::first_layer))
      return rotated ? &kernels_.first_layer.data_gradient : &kernels_.first_layer.forward;
    if (without_.has(Optimisation::winograd)) return nullptr;
    if ((rotated ? g.k : g.c) % kLanes != 0) return nullptr;
    if (dtype != DType::f32 && (dtype != DType::bf16 || has_bf16_tiles())) return nullptr;
    if (g.stride == 1)
      return g.pad <= 2 && fills(kernels_.winograd.stride1, g, rotated, 2) ? &kernels_.winograd.stride1 : nullptr;
    if (g.stride != 2 || g.pad != 1) return nullptr;
    constexpr int64_t kBf16Channels = 128;  // with more of them oneDNN's forward pass is faster
    if (dtype == DType::bf16 && !rotated && g.c > kBf16Channels) return nullptr;
    const ConvAlgorithm& a = rotated ? kernels_.winograd.stride2_data : kernels_.winograd.stride2;
    return fills(a, g, rotated, 1.25) ? &a : nullptr;
  }
  /// What takes a filter gradient, or null. Its products are in f32 for bf16, too, where oneDNN's with stride 2 win.
  const ConvAlgorithm* suited_gradient(const ConvShape& g, DType dtype) const {
    const ConvAlgorithm* algorithm = suited(g, dtype, false);
    if (!algorithm || !algorithm->f32.filter_gradient || g.k % kLanes != 0) return nullptr;
    return g.stride == 1 || dtype == DType::f32 ? algorithm : nullptr;
  }
  /// Whether tiles cover at most `most` times the outputs.
  static bool fills(const ConvAlgorithm& a, const ConvShape& g, bool rotated, double most) {
    return winograd::computed_per_output(a, problem(g, rotated)) <= most;
  }

  /// A first layer, which has too few taps for Winograd's algorithm; forward, products in bf16 are faster.
  static bool suits_first(const ConvShape& g, DType dtype, bool rotated) {
    return g.stride == 1 && g.pad == 1 && g.c <= first_layer::kMostChannels && g.k % kLanes == 0 &&
           (dtype == DType::f32 || (rotated && dtype == DType::bf16));
  }

  /// f(kernel, tag) with the kernel for activations of `dtype` and a value of their type.
  template <class F>
  static void with_kernel(const ConvAlgorithm& a, DType dtype, F f) {
    if (dtype == DType::f32)
      f(a.f32, float{});
    else
      f(a.bf16, bfloat16{});
  }

  /// The threads that need a filter at the same time transform it together.
  std::shared_ptr<const Transformed> filter(Stream s, const ConvShape& g, const ConvFilter& f, DType dtype,
                                            bool rotated) {
    const Use use{{.c = g.c, .k = g.k, .r = g.r, .s = g.s, .stride = g.stride}, dtype, rotated};
    const int64_t outputs = rotated ? g.c : g.k, inputs = rotated ? g.k : g.c;
    std::shared_ptr<Transformed> t;
    with_kernel(*suited(g, dtype, rotated), dtype, [&](const auto& kernel, auto) {
      const auto make = [&] {
        return Transformed{.u = {Device::cpu, kernel.filter_floats(inputs, outputs) * sizeof(float)}};
      };
      t = filters_.get(s, f, use, make, [&](Transformed& to) {
        fold_batch_norm(f, to.scale, to.bias);
        to.job = std::make_unique<SharedJob>(static_cast<int>(kernel.filter_units(inputs, outputs)));
      });
      if (t->job->over()) return;
      const auto transform = [&](int64_t unit) {
        kernel.transform_filter({g.k, g.c, f.w.as<float>(), t->scale.data(), rotated}, unit, t->u.template as<float>());
      };
      each_item(s.team, threads_of(s.team), [&](int64_t, int) { t->job->join(transform); });
    });
    return t;
  }

  /// What the results go through on their way to memory, in this order.
  struct Epilogue {
    const float* bias = nullptr;
    Tensor add = {}, mask = {};
    bool relu = false;
  };

  void run(Stream s, const ConvAlgorithm& a, const ConvProblem& p, const Tensor& x, const Transformed& t,
           const Epilogue& e, const Tensor& y) {
    const conv3x3::Tiling tiling = winograd::tiling(kernels_.winograd, a, p, threads_of(s.team));
    with_kernel(a, y.dtype, [&](const auto& kernel, auto tag) {
      using T = decltype(tag);
      float* workspace = room(s, kernel.workspace_floats(p, tiling, threads_of(s.team)));
      kernel.run(s, p, tiling,
                 {.x = x.as<T>(),
                  .u = t.u.as<float>(),
                  .bias = e.bias,
                  .add = e.add.as<T>(),
                  .mask = e.mask.as<T>(),
                  .relu = e.relu,
                  .y = y.as<T>(),
                  .workspace = workspace});
    });
  }

  float* room(Stream s, int64_t floats) { return rooms_.of(s.worker).reserve<float>(floats); }

  const Kernels kernels_;
  const Optimisations without_;
  std::unique_ptr<ConvBackend> other_;
  std::string name_;
  PreparedFilters<Use, Transformed> filters_;
  PerThread<Workspace> rooms_;
};

}  // namespace

std::unique_ptr<ConvBackend> make_winograd_conv(std::unique_ptr<ConvBackend> other, const Optimisations& without) {
  const std::optional<InstructionSet> set = best_instruction_set();
  if (!set || (without.has(Optimisation::winograd) && without.has(Optimisation::first_layer))) return other;
  return std::make_unique<WinogradConv>(std::move(other),
                                        Kernels{*winograd::kernels(*set), *first_layer::kernels(*set)}, without);
}

}  // namespace temper
