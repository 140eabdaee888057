#include "core/conv.h"

#include "kernels/runtime/check.h"

namespace temper {

std::unique_ptr<ConvBackend> make_onednn_conv();
std::unique_ptr<ConvBackend> make_cudnn_conv();

std::unique_ptr<ConvBackend> make_conv_backend(Device device) {
  if (device == Device::cuda) {
#if defined(TEMPER_CUDA)
    return make_cudnn_conv();
#else
    fail("device: cuda was asked for, but this build has no CUDA back end; configure with -DTEMPER_CUDA=ON");
#endif
  }
#if defined(TEMPER_ONEDNN)
  return make_onednn_conv();
#else
  return make_reference_conv();
#endif
}

}  // namespace temper
