#include <omp.h>

#include <array>

#include "core/filters_onednn.h"
#include "core/plan_onednn.h"
#include "kernels/axpby/axpby.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {

using onednn::Direction;
using onednn::Plan;
using onednn::PlanKey;
using onednn::PreparedFilter;

/// Where results must be exact, a scope on one thread.
class OneThread {
 public:
  explicit OneThread(Exactness exactness) : before_(omp_get_max_threads()) {
    if (exactness == Exactness::exact) omp_set_num_threads(1);
  }
  OneThread(const OneThread&) = delete;
  ~OneThread() { omp_set_num_threads(before_); }

 private:
  int before_;
};

/// Convolutions by oneDNN on dense NHWC activations. The first call of a kind builds its primitive; after that a call
/// only sets pointers. f64 goes to the reference.
class OneDnnConv : public ConvBackend {
 public:
  explicit OneDnnConv(Exactness exactness) : exactness_(exactness) {}

  const char* name() const override { return "onednn"; }
  ConvStats stats() const override { return stats_; }
  bool supports(DType dtype) const override {
    return dtype == DType::f64 || ((dtype == DType::f32 || dtype == DType::bf16) && onednn::supports(engine_, dtype));
  }

  void forward(Stream s, const ConvShape& g, const Tensor& x, const ConvFilter& f, const ConvEpilogue& e,
               const Tensor& y) override {
    if (y.dtype == DType::f64) return reference_->forward(s, g, x, f, e, y);
    if (g.n == 0) return;
    Plan& plan =
        get({.shape = g, .dtype = y.dtype, .bias = f.fold || f.bias, .residual = bool(e.residual), .relu = e.relu});
    const PreparedFilter& w = filter(g, f, plan);
    plan.in.set_data_handle(x.data);
    plan.out.set_data_handle(y.data);
    Arguments args;
    args.add(DNNL_ARG_SRC, plan.in);
    args.add(DNNL_ARG_WEIGHTS, w.w);
    args.add(DNNL_ARG_DST, plan.out);
    if (plan.bias) {
      plan.bias.set_data_handle(f.fold ? const_cast<float*>(w.bias.data()) : f.bias.data);
      args.add(DNNL_ARG_BIAS, plan.bias);
    }
    if (plan.residual) {
      plan.residual.set_data_handle(e.residual.data);
      args.add(DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, plan.residual);
    }
    room(plan, 0);
    execute(plan, args);
  }

  void backward_data(Stream s, const ConvShape& g, const Tensor& dy, const ConvFilter& f, float beta,
                     const Tensor& dx) override {
    if (dx.dtype == DType::f64) return reference_->backward_data(s, g, dy, f, beta, dx);
    if (g.n == 0) return;
    Plan& plan = get({.shape = g, .dtype = dx.dtype, .direction = Direction::data, .accumulate = beta != 0});
    const PreparedFilter& w = filter(g, f, plan);
    const bool add_after = beta != 0 && !plan.adds;
    char* extra = room(plan, add_after ? dx.bytes() : 0);
    plan.in.set_data_handle(dy.data);
    plan.out.set_data_handle(add_after ? extra : dx.data);
    Arguments args;
    args.add(plan.turned ? DNNL_ARG_SRC : DNNL_ARG_DIFF_DST, plan.in);
    args.add(DNNL_ARG_WEIGHTS, w.w);
    args.add(plan.turned ? DNNL_ARG_DST : DNNL_ARG_DIFF_SRC, plan.out);
    execute(plan, args);
    if (add_after) {
      dispatch_float(dx.dtype, [&](auto tag) {
        using T = decltype(tag);
        axpby<T>(s, dx.numel(), 1.f, reinterpret_cast<const T*>(extra), 1.f, dx.as<T>());
      });
    }
  }

  void backward_filter(Stream s, const ConvShape& g, const Tensor& x, const Tensor& dy, float beta,
                       const Tensor& dw) override {
    if (dw.dtype == DType::f64 || g.n == 0) return reference_->backward_filter(s, g, x, dy, beta, dw);
    // oneDNN sums a filter gradient in as many parts as there are threads when its plan is made and run.
    const OneThread only(exactness_);
    Plan& plan = get({.shape = g, .dtype = x.dtype, .direction = Direction::filter, .accumulate = beta != 0});
    const size_t bytes = plan.unpack ? plan.filter.get_size() : 0;
    char* extra = room(plan, bytes);
    plan.in.set_data_handle(x.data);
    plan.out.set_data_handle(dy.data);
    plan.gradient.set_data_handle(plan.unpack ? extra : dw.data);
    Arguments args;
    args.add(DNNL_ARG_SRC, plan.in);
    args.add(DNNL_ARG_DIFF_DST, plan.out);
    args.add(DNNL_ARG_DIFF_WEIGHTS, plan.gradient);
    execute(plan, args);
    if (plan.unpack) {
      plan.dense.set_data_handle(dw.data);
      Arguments reorder;
      reorder.add(DNNL_ARG_FROM, plan.gradient);
      reorder.add(DNNL_ARG_TO, plan.dense);
      reorder.run(plan.unpack, stream_);
    }
  }

 private:
  /// oneDNN's argument list without its per-call map.
  struct Arguments {
    std::array<dnnl_exec_arg_t, 6> list;
    int count = 0;
    void add(int arg, const dnnl::memory& m) { list[count++] = {arg, m.get()}; }
    void run(const dnnl::primitive& primitive, const dnnl::stream& stream) const {
      dnnl::error::wrap_c_api(dnnl_primitive_execute(primitive.get(), stream.get(), count, list.data()),
                              "convolution: oneDNN could not run a primitive");
    }
  };

  Plan& get(const PlanKey& key) {
    return plans_.get(key, [&] {
      ++stats_.primitives_created;
      try {
        return onednn::make_plan(engine_, key);
      } catch (const dnnl::error&) {
        fail("convolution: oneDNN ", DNNL_VERSION_MAJOR, ".", DNNL_VERSION_MINOR, " has no ", key.dtype,
             " convolutions for this processor; set precision.compute to f32");
      }
    });
  }
  const PreparedFilter& filter(const ConvShape& g, const ConvFilter& f, const Plan& plan) {
    return filters_.get(stream_, g, f, plan.filter, plan.turned, workspace_);
  }
  /// The workspace, `bytes` of it for the caller and the rest for the plan.
  char* room(Plan& plan, size_t bytes) {
    const size_t kept = (bytes + 255) / 256 * 256;
    char* base = workspace_.reserve(kept + plan.scratch.get_desc().get_size() + 1);
    plan.scratch.set_data_handle(base + kept);
    return base;
  }
  void execute(Plan& plan, Arguments& args) {
    args.add(DNNL_ARG_SCRATCHPAD, plan.scratch);
    args.run(plan.primitive, stream_);
  }

  const Exactness exactness_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  ConvStats stats_;
  Lru<PlanKey, Plan> plans_{1024};
  onednn::FilterCache filters_{engine_, stats_};
  Workspace workspace_{stats_.allocations};
  std::unique_ptr<ConvBackend> reference_ = make_reference_conv();
};

}  // namespace

std::unique_ptr<ConvBackend> make_onednn_conv(Exactness exactness) { return std::make_unique<OneDnnConv>(exactness); }

}  // namespace temper
