#include "bench/vendor.h"

namespace temper::bench {

std::optional<VendorRun> vendor_run([[maybe_unused]] Stream stream, [[maybe_unused]] const KernelCase& c,
                                    [[maybe_unused]] const CaseArgs& args) {
#if defined(TEMPER_ONEDNN)
  if (stream.device == Device::cpu && c.known.has_value()) return onednn_run(stream, c, args);
#endif
  return {};
}

}  // namespace temper::bench
