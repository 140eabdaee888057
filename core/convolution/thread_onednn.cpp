#include "core/convolution/thread_onednn.h"

#include <omp.h>

#include "kernels/runtime/check.h"

namespace temper::onednn {

OneThread::OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
OneThread::~OneThread() { omp_set_num_threads(before_); }

void Arguments::run(const dnnl::primitive& primitive, const dnnl::stream& stream) const {
  const OneThread alone;
  dnnl::error::wrap_c_api(dnnl_primitive_execute(primitive.get(), stream.get(), count_, list_.data()),
                          "convolution: oneDNN could not run a primitive");
}

Plan& Thread::plan(const PlanKey& key) {
  return plans_.get(key, [&] {
    const OneThread alone;
    ++made_;
    try {
      return make_plan(engine_, key);
    } catch (const dnnl::error&) {
      fail("convolution: oneDNN ", DNNL_VERSION_MAJOR, ".", DNNL_VERSION_MINOR, " has no ", key.dtype,
           " convolutions for this processor; set precision.compute to f32");
    }
  });
}

void Thread::execute(Plan& plan, Arguments& args) {
  plan.scratch.set_data_handle(scratch_.reserve<char>(plan.scratch.get_desc().get_size() + 1));
  args.add(DNNL_ARG_SCRATCHPAD, plan.scratch);
  args.run(plan.primitive, stream_);
}

void Thread::unpack(Plan& plan, float* sums, float* dw) {
  plan.gradient.set_data_handle(sums);
  plan.dense.set_data_handle(dw);
  Arguments args;
  args.add(DNNL_ARG_FROM, plan.gradient);
  args.add(DNNL_ARG_TO, plan.dense);
  args.run(plan.unpack, stream_);
}

}  // namespace temper::onednn
