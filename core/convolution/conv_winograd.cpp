#include <algorithm>
#include <memory>
#include <mutex>

#include "core/convolution/conv.h"
#include "core/lru.h"
#include "core/memory/workspace.h"
#include "core/threads/per_thread.h"
#include "core/threads/shared_job.h"
#include "kernels/first_layer/first_layer.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/team.h"
#include "kernels/winograd/winograd.h"

namespace temper {

namespace {

using conv3x3::ConvAlgorithm;
using conv3x3::ConvKernel;
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

/// Memory of its own for a transformed filter.
struct Floats {
  float* data = nullptr;
  size_t bytes = 0;

  explicit Floats(size_t count)
      : data(static_cast<float*>(allocate(Device::cpu, count * sizeof(float)))), bytes(count * sizeof(float)) {}
  Floats(Floats&& other) noexcept : data(std::exchange(other.data, nullptr)), bytes(other.bytes) {}
  ~Floats() { release(Device::cpu, data, bytes); }
};

/// A filter transformed for the products, with a fold multiplied in.
struct Transformed {
  Floats u;
  std::vector<float> scale, bias;  ///< of a fold
  uint64_t version = 0;
  const void* fold = nullptr;
  std::unique_ptr<SharedJob> job = nullptr;  ///< what makes u
};

/// The convolution as it is, or the data gradient as a convolution of dy by the filters rotated.
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
    s.filters_prepared += stats_.filters_prepared;
    s.allocations += stats_.allocations;
    rooms_.each([&](const Room& room) { s.allocations += room.allocations; });
    return s;
  }

  void forward(Stream s, const ConvShape& g, const Tensor& x, const ConvFilter& f, const ConvEpilogue& e,
               const Tensor& y) override {
    const ConvAlgorithm* algorithm = suited(g, y.dtype, false);
    if (!algorithm) return other_->forward(s, g, x, f, e, y);
    const auto t = filter(s, g, f, y.dtype, false);
    run(s, *algorithm, problem(g, false), x, *t,
        {.bias = f.fold ? t->bias.data() : f.bias.as<float>(), .add = e.residual, .relu = e.relu}, y);
  }
  void backward_data(Stream s, const ConvShape& g, const Tensor& dy, const ConvFilter& f, float beta,
                     const Tensor& dx) override {
    const ConvAlgorithm* algorithm = suited(g, dx.dtype, true);
    if (!algorithm) return other_->backward_data(s, g, dy, f, beta, dx);
    run(s, *algorithm, problem(g, true), dy, *filter(s, g, f, dx.dtype, true), {.add = beta == 0 ? Tensor{} : dx}, dx);
  }
  void backward_filter(Stream s, const ConvShape& g, const Tensor& x, const Tensor& dy, float beta,
                       const Tensor& dw) override {
    const ConvAlgorithm* algorithm = suited_gradient(g, x.dtype);
    if (!algorithm) return other_->backward_filter(s, g, x, dy, beta, dw);
    const ConvProblem p = problem(g, false);
    with_kernel(*algorithm, x.dtype, [&](const auto& kernel, auto tag) {
      using T = decltype(tag);
      float* workspace = room(s, kernel.filter_gradient_floats(p, threads_of(s.team)));
      kernel.filter_gradient(
          s, p,
          {.x = x.as<T>(), .dy = dy.as<T>(), .dw = dw.as<float>(), .accumulate = beta != 0, .workspace = workspace});
    });
  }

 protected:
  bool backward_data_masked(Stream s, const ConvShape& g, const Tensor& dy, const ConvFilter& f,
                            const ConvDataEpilogue& e, const Tensor& dx) override {
    if (const ConvAlgorithm* algorithm = suited(g, dx.dtype, true))
      run(s, *algorithm, problem(g, true), dy, *filter(s, g, f, dx.dtype, true),
          {.add = e.beta == 0 ? Tensor{} : dx, .mask = e.mask}, dx);
    else
      other_->backward_data_relu(s, g, dy, f, e, dx);
    return true;
  }

 private:
  struct Key {
    const void* filter;
    ConvShape shape;
    DType dtype;
    bool rotated;
    friend auto operator<=>(const Key&, const Key&) = default;
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

  /// The threads of an engine share filters: those that need one at the same time transform it together. One that is in
  /// use by another thread is left as it is, and a new one takes its place.
  std::shared_ptr<const Transformed> filter(Stream s, const ConvShape& g, const ConvFilter& f, DType dtype,
                                            bool rotated) {
    std::shared_ptr<Transformed> t;
    with_kernel(*suited(g, dtype, rotated), dtype, [&](const auto& kernel, auto) {
      t = entry(kernel, g, f, dtype, rotated);
      if (t->job->over()) return;
      const auto transform = [&](int64_t unit) {
        kernel.transform_filter({g.k, g.c, f.w.as<float>(), t->scale.data(), rotated}, unit, t->u.data);
      };
      each_item(s.team, threads_of(s.team), [&](int64_t, int) { t->job->join(transform); });
    });
    return t;
  }

  /// The place of a filter, with the job that fills it, maybe done.
  template <class Kernel>
  std::shared_ptr<Transformed> entry(const Kernel& kernel, const ConvShape& g, const ConvFilter& f, DType dtype,
                                     bool rotated) {
    const ConvShape filters = {.c = g.c, .k = g.k, .r = g.r, .s = g.s, .stride = g.stride};
    const int64_t outputs = rotated ? g.c : g.k, inputs = rotated ? g.k : g.c;
    const auto make = [&] {
      ++stats_.allocations;
      return std::make_shared<Transformed>(Transformed{.u = Floats(kernel.filter_floats(inputs, outputs))});
    };
    const std::lock_guard lock(preparing_);
    std::shared_ptr<Transformed>& t = filters_.get({f.version ? f.w.data : nullptr, filters, dtype, rotated}, make);
    const void* fold = f.fold ? f.fold->mean.data : nullptr;
    if (f.version && t->version == f.version && t->fold == fold) return t;
    if (t.use_count() > 1) t = make();
    ++stats_.filters_prepared;
    t->version = f.version;
    t->fold = fold;
    fold_batch_norm(f, t->scale, t->bias);
    t->job = std::make_unique<SharedJob>(static_cast<int>(kernel.filter_units(inputs, outputs)));
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
                  .u = t.u.data,
                  .bias = e.bias,
                  .add = e.add.as<T>(),
                  .mask = e.mask.as<T>(),
                  .relu = e.relu,
                  .y = y.as<T>(),
                  .workspace = workspace});
    });
  }

  struct Room {
    int64_t allocations = 0;
    Workspace workspace{allocations};
  };
  float* room(Stream s, int64_t floats) {
    return reinterpret_cast<float*>(rooms_.of(s.worker).workspace.reserve(floats * sizeof(float)));
  }

  const Kernels kernels_;
  const Optimisations without_;
  std::unique_ptr<ConvBackend> other_;
  std::string name_;
  std::mutex preparing_;
  ConvStats stats_;  ///< of filters
  Lru<Key, std::shared_ptr<Transformed>> filters_{4096};
  PerThread<Room> rooms_;
};

}  // namespace

std::unique_ptr<ConvBackend> make_winograd_conv(std::unique_ptr<ConvBackend> other, const Optimisations& without) {
  const std::optional<InstructionSet> set = best_instruction_set();
  if (!set || (without.has(Optimisation::winograd) && without.has(Optimisation::first_layer))) return other;
  return std::make_unique<WinogradConv>(std::move(other),
                                        Kernels{*winograd::kernels(*set), *first_layer::kernels(*set)}, without);
}

}  // namespace temper
