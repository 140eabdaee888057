#include <algorithm>
#include <memory>

#include "core/convolution/prepared_filters.h"
#include "core/convolution/winograd/winograd_kernels.h"
#include "core/memory/workspace.h"
#include "core/threads/per_thread.h"
#include "core/threads/shared_job.h"
#include "kernels/runtime/team.h"

namespace temper {

namespace {

using winograd::Cut;
using winograd::Kernels;
using winograd::Problem;
using winograd::Scheme;

/// The code for this processor, or none.
const Kernels* kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
    return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16") ? &winograd::kVnni
                                                                                        : &winograd::kAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &winograd::kAvx2;
#endif
  return nullptr;
}

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

/// The convolution as it is, or the data gradient as a convolution of dy by the filters rotated.
Problem problem(const ConvShape& g, bool rotated) {
  if (!rotated) return {.n = g.n, .h = g.h, .w = g.w, .c = g.c, .k = g.k, .pad = g.pad, .p = g.p(), .q = g.q()};
  const int64_t pad = g.stride == 1 ? 2 - g.pad : 0;
  return {.n = g.n, .h = g.p(), .w = g.q(), .c = g.k, .k = g.c, .pad = pad, .p = g.h, .q = g.w};
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

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
    const Scheme* scheme = suited(g, r.y.dtype, false);
    if (!scheme) return other_->forward(s, r);
    const auto t = filter(s, g, r.filter, r.y.dtype, false);
    const float* bias = r.filter.fold ? t->bias.data() : r.filter.bias.as<float>();
    run(s, *scheme, problem(g, false), r.x, *t, {.bias = bias, .add = r.residual, .relu = r.relu}, r.y);
    return {.residual = static_cast<bool>(r.residual), .relu = r.relu};
  }
  ConvDone backward_data(Stream s, const ConvBackwardData& r) override {
    const ConvShape& g = r.shape;
    const Scheme* scheme = suited(g, r.dx.dtype, true);
    if (!scheme) return other_->backward_data(s, r);
    run(s, *scheme, problem(g, true), r.dy, *filter(s, g, r.filter, r.dx.dtype, true),
        {.add = r.beta == 0 ? Tensor{} : r.dx, .mask = r.mask}, r.dx);
    return {.mask = static_cast<bool>(r.mask)};
  }
  void backward_filter(Stream s, const ConvBackwardFilter& r) override {
    const winograd::Gradient* gradient = suited_gradient(r.shape, r.x.dtype);
    if (!gradient) return other_->backward_filter(s, r);
    const Problem p = problem(r.shape, false);
    float* workspace = room(s, gradient->workspace_floats(p, threads_of(s.team)));
    const auto with = [&](auto tag, auto run) {
      using T = decltype(tag);
      run(p, {r.x.as<T>(), r.dy.as<T>(), r.dw.as<float>(), workspace, s.team}, r.beta != 0);
    };
    if (r.x.dtype == DType::f32)
      with(float{}, gradient->floats);
    else
      with(winograd::Half{}, gradient->halves);
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
  const Scheme* suited(const ConvShape& g, DType dtype, bool rotated) const {
    if (g.r != 3 || g.s != 3 || g.n == 0) return nullptr;
    if (suits_first(g, dtype, rotated) && !without_.has(Optimisation::first_layer))
      return rotated ? &kernels_.first_data : &kernels_.first;
    if (without_.has(Optimisation::winograd)) return nullptr;
    if ((rotated ? g.k : g.c) % winograd::kLanes != 0) return nullptr;
    if (dtype != DType::f32 && (dtype != DType::bf16 || has_bf16_tiles())) return nullptr;
    if (g.stride == 1) return g.pad <= 2 && fills(kernels_.stride1, g, rotated, 2) ? &kernels_.stride1 : nullptr;
    if (g.stride != 2 || g.pad != 1) return nullptr;
    constexpr int64_t kBf16Channels = 128;  // with more of them oneDNN's forward pass is faster
    if (dtype == DType::bf16 && !rotated && g.c > kBf16Channels) return nullptr;
    const Scheme& scheme = rotated ? kernels_.stride2_data : kernels_.stride2;
    return fills(scheme, g, rotated, 1.25) ? &scheme : nullptr;
  }
  /// What takes a filter gradient, or null. Its products are in f32 for bf16, too, where oneDNN's with stride 2 win.
  const winograd::Gradient* suited_gradient(const ConvShape& g, DType dtype) const {
    const Scheme* scheme = suited(g, dtype, false);
    if (!scheme || !scheme->gradient.floats || g.k % winograd::kLanes != 0) return nullptr;
    return g.stride == 1 || dtype == DType::f32 ? &scheme->gradient : nullptr;
  }
  /// Whether tiles cover at most `most` times the outputs.
  static bool fills(const Scheme& scheme, const ConvShape& g, bool rotated, double most) {
    const Problem p = problem(g, rotated);
    const int64_t out = scheme.out, computed = ceil_div(p.p, out) * ceil_div(p.q, out) * out * out;
    return static_cast<double>(computed) <= most * static_cast<double>(p.p * p.q);
  }

  /// A first layer, which has too few taps for Winograd's algorithm; forward, products in bf16 are faster.
  static bool suits_first(const ConvShape& g, DType dtype, bool rotated) {
    return g.stride == 1 && g.pad == 1 && g.c <= winograd::kFirstChannels && g.k % winograd::kLanes == 0 &&
           (dtype == DType::f32 || (rotated && dtype == DType::bf16));
  }

  /// f(steps, tag) with a scheme's code for activations of `dtype` and a value of their type.
  template <class F>
  static void with_steps(const Scheme& scheme, DType dtype, F f) {
    if (dtype == DType::f32)
      f(scheme.floats, float{});
    else
      f(scheme.halves, winograd::Half{});
  }

  /// The threads that need a filter at the same time transform it together.
  std::shared_ptr<const Transformed> filter(Stream s, const ConvShape& g, const ConvFilter& f, DType dtype,
                                            bool rotated) {
    const Use use{{.c = g.c, .k = g.k, .r = g.r, .s = g.s, .stride = g.stride}, dtype, rotated};
    const int64_t outputs = rotated ? g.c : g.k, inputs = rotated ? g.k : g.c;
    std::shared_ptr<Transformed> t;
    with_steps(*suited(g, dtype, rotated), dtype, [&](const auto& steps, auto) {
      const auto make = [&] {
        return Transformed{.u = {Device::cpu, steps.filter_floats(inputs, outputs) * sizeof(float)}};
      };
      t = filters_.get(s, f, use, make, [&](Transformed& to) {
        fold_batch_norm(f, to.scale, to.bias);
        to.job = std::make_unique<SharedJob>(static_cast<int>(steps.filter_units(inputs, outputs)));
      });
      if (t->job->over()) return;
      const auto transform = [&](int64_t unit) {
        steps.transform_filter({g.k, g.c, f.w.as<float>(), t->scale.data(), rotated}, unit, t->u.template as<float>());
      };
      each_item(s.team, threads_of(s.team), [&](int64_t, int) { t->job->join(transform); });
    });
    return t;
  }

  /// A filter too large for the caches is read as few times as possible, and each part of it by one thread only.
  Cut cut(Stream s, const Scheme& scheme, const Problem& p) const {
    constexpr int64_t kStaysInCache = int64_t{4} << 20, kTogether = 256, kLarge = 64;
    const int64_t out = scheme.out, tiles = p.n * ceil_div(p.p, out) * ceil_div(p.q, out);
    const int64_t threads = threads_of(s.team);
    if (winograd::kFilterPoints * p.c * p.k > kStaysInCache) {
      const int64_t together = std::min(tiles, kTogether), parts = ceil_div(p.k, 2 * winograd::kLanes);
      return {.rows = std::min(together, kLarge), .together = together, .parts = std::min(threads, parts)};
    }
    const int64_t rows = p.k > winograd::kLanes ? kernels_.rows : kernels_.rows_of_unit;
    const int64_t blocks = ceil_div(ceil_div(tiles, rows), threads) * threads;
    return {.rows = ceil_div(tiles, blocks)};
  }

  /// What the results go through on their way to memory, in this order.
  struct Epilogue {
    const float* bias = nullptr;
    Tensor add = {}, mask = {};
    bool relu = false;
  };

  void run(Stream s, const Scheme& scheme, const Problem& p, const Tensor& x, const Transformed& t, const Epilogue& e,
           const Tensor& y) {
    const Cut c = cut(s, scheme, p);
    with_steps(scheme, y.dtype, [&](const auto& steps, auto tag) {
      using T = decltype(tag);
      float* workspace = room(s, steps.workspace_floats(p, c, threads_of(s.team)));
      steps.run(p, c, {x.as<T>(), t.u.as<float>(), e.bias, e.add.as<T>(), e.mask.as<T>(), y.as<T>(), workspace, s.team},
                e.relu);
    });
  }

  float* room(Stream s, int64_t floats) { return rooms_.of(s.worker).reserve<float>(floats); }

  const Kernels& kernels_;
  const Optimisations without_;
  std::unique_ptr<ConvBackend> other_;
  std::string name_;
  PreparedFilters<Use, Transformed> filters_;
  PerThread<Workspace> rooms_;
};

}  // namespace

std::unique_ptr<ConvBackend> make_winograd_conv(std::unique_ptr<ConvBackend> other, const Optimisations& without) {
  const Kernels* code = kernels();
  if (!code || (without.has(Optimisation::winograd) && without.has(Optimisation::first_layer))) return other;
  return std::make_unique<WinogradConv>(std::move(other), *code, without);
}

}  // namespace temper
