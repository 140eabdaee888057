#include "core/convolution/conv.h"

#include <cmath>

namespace temper {

std::unique_ptr<ConvBackend> make_onednn_conv(const Optimisations& without);

std::unique_ptr<ConvBackend> make_cpu_conv([[maybe_unused]] const Optimisations& without) {
#if defined(TEMPER_ONEDNN)
  auto direct = make_onednn_conv(without);
#else
  auto direct = make_reference_conv();
#endif
  return make_winograd_conv(std::move(direct), without);
}

void fold_batch_norm(const ConvFilter& f, std::vector<float>& scale, std::vector<float>& bias) {
  const int64_t filters = f.w.shape[0];
  scale.assign(filters, 1.f);
  if (!f.fold) return;
  bias.resize(filters);
  const BatchNormFold& b = *f.fold;
  for (int64_t k = 0; k < filters; ++k) {
    scale[k] = static_cast<float>(b.gamma.as<float>()[k] / std::sqrt(double(b.variance.as<float>()[k]) + b.eps));
    const float old = f.bias ? f.bias.as<float>()[k] : 0.f;
    bias[k] = b.beta.as<float>()[k] + (old - b.mean.as<float>()[k]) * scale[k];
  }
}

}  // namespace temper
