#include <algorithm>

#include "core/convolution/filters_onednn.h"
#include "core/convolution/thread_onednn.h"
#include "core/threads/per_thread.h"
#include "kernels/axpby/axpby.h"
#include "kernels/runtime/capture.h"
#include "kernels/runtime/ceil_div.h"
#include "kernels/runtime/team.h"

namespace temper {

namespace {

using onednn::Arguments;
using onednn::Direction;
using onednn::Plan;
using onednn::PlanKey;

/// Multiplications of a part that is worth handing to a thread.
constexpr int64_t kPart = int64_t{1} << 21;

/// The samples of a convolution in parts of `size`, the last one maybe smaller.
struct Parts {
  int64_t samples, size;
  Parts(const ConvShape& g, int64_t most) : samples(g.n) {
    const int64_t worth = g.n * g.p() * g.q() * g.k * g.r * g.s * g.c / kPart;
    size = ceil_div(g.n, std::clamp<int64_t>(worth, 1, std::max<int64_t>(1, std::min(most, g.n))));
  }
  int64_t count() const { return ceil_div(samples, size); }
  int64_t first(int64_t i) const { return i * size; }
  int64_t of(int64_t i) const { return std::min(size, samples - i * size); }
};

/// Convolutions by oneDNN on dense NHWC activations, f64 by the reference. Cut over samples: every part is computed by
/// one thread.
class OneDnnConv : public ConvBackend {
 public:
  explicit OneDnnConv(const Optimisations& without) : without_(without) {}

  const char* name() const override { return "onednn"; }
  ConvStats stats() const override {
    ConvStats all = filters_.stats();
    threads_.each([&](const onednn::Thread& t) {
      all.primitives_created += t.stats().primitives_created;
      all.allocations += t.stats().allocations;
    });
    return all;
  }
  bool supports(DType dtype) const override {
    return dtype == DType::f64 || ((dtype == DType::f32 || dtype == DType::bf16) && onednn::supports(engine_, dtype));
  }

  ConvDone forward(Stream s, const ConvForward& r) override {
    const ConvShape& g = r.shape;
    const ConvFilter& f = r.filter;
    if (r.y.dtype == DType::f64) return reference_->forward(s, r);
    if (g.n > 0)
      each_part(s, g, [&](onednn::Thread& thread, Stream, const ConvShape& part, int64_t first) {
        Plan& plan = thread.plan({.shape = part,
                                  .dtype = r.y.dtype,
                                  .bias = f.fold || f.bias,
                                  .residual = bool(r.residual),
                                  .relu = r.relu});
        const auto w = filters_.get(s, g, f, plan.filter, plan.rotated);
        plan.in.set_data_handle(r.x.rows(first, part.n).data);
        plan.out.set_data_handle(r.y.rows(first, part.n).data);
        Arguments args;
        args.add(DNNL_ARG_SRC, plan.in);
        args.add(DNNL_ARG_WEIGHTS, w->w);
        args.add(DNNL_ARG_DST, plan.out);
        if (plan.bias) {
          plan.bias.set_data_handle(f.fold ? const_cast<float*>(w->bias.data()) : f.bias.data);
          args.add(DNNL_ARG_BIAS, plan.bias);
        }
        if (plan.residual) {
          plan.residual.set_data_handle(r.residual.rows(first, part.n).data);
          args.add(DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, plan.residual);
        }
        thread.execute(plan, args);
      });
    return residual_and_relu(r);
  }

  ConvDone backward_data(Stream s, const ConvBackwardData& r) override {
    const ConvShape& g = r.shape;
    const Tensor& dx = r.dx;
    if (dx.dtype == DType::f64) return reference_->backward_data(s, r);
    if (g.n > 0)
      each_part(s, g, [&](onednn::Thread& thread, Stream stream, const ConvShape& part, int64_t first) {
        Plan& plan =
            thread.plan({.shape = part, .dtype = dx.dtype, .direction = Direction::data, .accumulate = r.beta != 0});
        const auto w = filters_.get(s, g, r.filter, plan.filter, plan.rotated);
        const Tensor to = dx.rows(first, part.n);
        const bool add_after = r.beta != 0 && !plan.adds;
        char* extra = add_after ? thread.room(to.bytes()) : nullptr;
        plan.in.set_data_handle(r.dy.rows(first, part.n).data);
        plan.out.set_data_handle(add_after ? extra : to.data);
        Arguments args;
        args.add(plan.rotated ? DNNL_ARG_SRC : DNNL_ARG_DIFF_DST, plan.in);
        args.add(DNNL_ARG_WEIGHTS, w->w);
        args.add(plan.rotated ? DNNL_ARG_DST : DNNL_ARG_DIFF_SRC, plan.out);
        thread.execute(plan, args);
        if (add_after)
          dispatch_float(dx.dtype, [&](auto tag) {
            using T = decltype(tag);
            axpby<T>(stream, to.numel(), 1.f, reinterpret_cast<const T*>(extra), 1.f, to.as<T>());
          });
      });
    return {};
  }

  /// The sum of the parts' gradients, in their order. The parts depend on the extents alone.
  void backward_filter(Stream s, const ConvBackwardFilter& r) override {
    const ConvShape& g = r.shape;
    const Tensor &x = r.x, &dy = r.dy, &dw = r.dw;
    if (dw.dtype == DType::f64 || g.n == 0) return reference_->backward_filter(s, r);
    constexpr int64_t kMost = 16, kTogether = int64_t{32} << 20;  // parts; bytes of their sums
    const bool whole = without_.has(Optimisation::split_filter_gradients);
    const int64_t most = whole ? 1 : std::min<int64_t>(kMost, kTogether / static_cast<int64_t>(dw.bytes()));
    const auto key = [&](int64_t n) {
      ConvShape part = g;
      part.n = n;
      return PlanKey{.shape = part, .dtype = x.dtype, .direction = Direction::filter, .accumulate = r.beta != 0};
    };
    onednn::Thread& own = threads_.of(s.worker);
    const auto layout = [&](int64_t n) { return own.plan(key(n)).filter; };
    Parts parts(g, most);
    if (layout(parts.of(parts.count() - 1)) != layout(parts.size)) parts = Parts(g, 1);
    const bool packed = static_cast<bool>(own.plan(key(parts.size)).unpack);
    const bool direct = parts.count() == 1 && !packed;
    const int64_t floats = static_cast<int64_t>(layout(parts.size).get_size() / sizeof(float));
    float* const sums =
        direct ? dw.as<float>() : reinterpret_cast<float*>(own.room(parts.count() * floats * sizeof(float)));
    each_item(s.team, parts.count(), [&](int64_t i, int number) {
      onednn::Thread& thread = threads_.of(s.worker + number);
      Plan& plan = thread.plan(key(parts.of(i)));
      plan.in.set_data_handle(x.rows(parts.first(i), parts.of(i)).data);
      plan.out.set_data_handle(dy.rows(parts.first(i), parts.of(i)).data);
      plan.gradient.set_data_handle(sums + i * floats);
      Arguments args;
      args.add(DNNL_ARG_SRC, plan.in);
      args.add(DNNL_ARG_DIFF_DST, plan.out);
      args.add(DNNL_ARG_DIFF_WEIGHTS, plan.gradient);
      thread.execute(plan, args);
    });
    if (direct) return;
    float* const total = packed ? sums : dw.as<float>();
    if (parts.count() > 1)
      in_pieces(s, floats, parts.count(), [&](int64_t from, int64_t to) {
        for (int64_t i = from; i < to; ++i) {
          float sum = sums[i];
          for (int64_t part = 1; part < parts.count(); ++part) sum += sums[part * floats + i];
          total[i] = sum;
        }
      });
    if (packed) own.unpack(own.plan(key(parts.size)), total, dw.as<float>());
  }

 private:
  /// f(thread, stream, shape of the part, its first sample) for parts that make up the samples; results do not depend
  /// on how they are cut.
  template <class F>
  void each_part(Stream s, const ConvShape& g, const F& f) {
    constexpr int64_t kOfThread = 4;
    const int threads = threads_of(s.team);
    if (threads == 1 || listing(s)) return f(threads_.of(s.worker), s, g, 0);
    const Parts parts(g, kOfThread * threads);
    each_item(s.team, parts.count(), [&](int64_t i, int number) {
      ConvShape part = g;
      part.n = parts.of(i);
      f(threads_.of(s.worker + number), alone(s), part, parts.first(i));
    });
  }

  const Optimisations without_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  onednn::FilterCache filters_{engine_};
  PerThread<onednn::Thread> threads_;
  std::unique_ptr<ConvBackend> reference_ = make_reference_conv();
};

}  // namespace

std::unique_ptr<ConvBackend> make_onednn_conv(const Optimisations& without) {
  return std::make_unique<OneDnnConv>(without);
}

}  // namespace temper
