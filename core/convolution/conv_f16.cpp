#include "core/convolution/conv_epilogue.h"
#include "core/convolution/device_filters.h"
#include "core/memory/workspace.h"
#include "core/threads/per_thread.h"
#include "kernels/convert/convert.h"

namespace temper {

namespace {

class F16Conv : public ConvBackend {
 public:
  explicit F16Conv(std::unique_ptr<ConvBackend> other) : other_(std::move(other)) {}

  const char* name() const override { return other_->name(); }
  ConvStats stats() const override {
    ConvStats all = other_->stats();
    all.filters_prepared += filters_.stats().filters_prepared;
    all.allocations += filters_.stats().allocations;
    rooms_.each([&](const Workspace& room) { all.allocations += room.allocations(); });
    return all;
  }
  bool supports(DType dtype) const override { return other_->supports(dtype == DType::f16 ? DType::f32 : dtype); }

  ConvDone forward(Stream s, const ConvForward& r) override {
    if (r.y.dtype != DType::f16) return other_->forward(s, r);
    Floats room(rooms_.of(s.worker), r.x.numel() + r.y.numel() + (r.residual ? r.y.numel() : 0));
    const auto w = rounded_filter(s, r.filter);
    const Tensor y = room.like(r.y);
    convolve(*other_, s,
             {.shape = r.shape,
              .x = room.read(s, r.x),
              .filter = as_filter(r.filter, *w),
              .y = y,
              .residual = r.residual ? room.read(s, r.residual) : Tensor{},
              .relu = r.relu});
    convert(s, y.numel(), y.as<float>(), 0.f, r.y.as<float16>());
    return residual_and_relu(r);
  }

  ConvDone backward_data(Stream s, const ConvBackwardData& r) override {
    if (r.dx.dtype != DType::f16) return other_->backward_data(s, r);
    Floats room(rooms_.of(s.worker), r.dy.numel() + r.dx.numel());
    const auto w = rounded_filter(s, r.filter);
    const Tensor dx = room.like(r.dx);
    convolve_backward_data(*other_, s,
                           {.shape = r.shape, .dy = room.read(s, r.dy), .filter = as_filter(r.filter, *w), .dx = dx});
    convert(s, dx.numel(), dx.as<float>(), r.beta, r.dx.as<float16>());
    return {};
  }

  void backward_filter(Stream s, const ConvBackwardFilter& r) override {
    if (r.x.dtype != DType::f16) return other_->backward_filter(s, r);
    Floats room(rooms_.of(s.worker), r.x.numel() + r.dy.numel());
    ConvBackwardFilter full = r;
    full.x = room.read(s, r.x);
    full.dy = room.read(s, r.dy);
    other_->backward_filter(s, full);
  }

 private:
  struct Use {
    const void *bias, *fold;
    friend auto operator<=>(const Use&, const Use&) = default;
  };
  /// A filter as numbers of f16, folded.
  struct Rounded {
    std::vector<float> w, bias;
  };

  std::shared_ptr<Rounded> rounded_filter(Stream s, const ConvFilter& f) {
    const Use use{f.bias.data, f.fold ? f.fold->mean.data : nullptr};
    return filters_.get(
        s, f, use, [] { return Rounded(); }, [&](Rounded& to) { fill(f, to); });
  }
  static ConvFilter as_filter(const ConvFilter& f, Rounded& r) {
    return {.w = {r.w.data(), f.w.shape, DType::f32, Device::cpu},
            .bias = r.bias.empty() ? Tensor{} : Tensor{r.bias.data(), {f.w.shape[0]}, DType::f32, Device::cpu},
            .version = f.version};
  }

  static void fill(const ConvFilter& f, Rounded& to) {
    std::vector<float16> w(f.w.numel()), bias(f.fold || f.bias ? f.w.shape[0] : 0);
    convert_filter({}, f, w.data(), bias.empty() ? nullptr : bias.data());
    to.w.assign(w.begin(), w.end());
    to.bias.assign(bias.begin(), bias.end());
  }

  /// f32 arrays for one call, from the workspace.
  struct Floats {
    Floats(Workspace& room, int64_t numbers) : next(room.reserve<float>(numbers + 3 * 64)) {}
    Tensor like(const Tensor& t) {
      const Tensor out{next, t.shape, DType::f32, Device::cpu};
      next += (t.numel() + 63) / 64 * 64;
      return out;
    }
    Tensor read(Stream s, const Tensor& t) {
      const Tensor out = like(t);
      convert(s, t.numel(), t.as<float16>(), 0.f, out.as<float>());
      return out;
    }
    float* next;
  };

  std::unique_ptr<ConvBackend> other_;
  PerThread<Workspace> rooms_;
  PreparedFilters<Use, Rounded> filters_;
};

}  // namespace

std::unique_ptr<ConvBackend> make_f16_conv(std::unique_ptr<ConvBackend> other) {
  return std::make_unique<F16Conv>(std::move(other));
}

}  // namespace temper
