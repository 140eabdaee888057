#include "core/image_fault.h"

#include "kernels/runtime/check.h"

namespace temper {

std::string image_fault_advice(const Engine& engine) {
  const EngineOptions& o = engine.options();
  if (o.compute != DType::f16)
    return cat("an intermediate value overflowed ", o.compute, "; the network's weights are far too large");
  const std::string lower =
      o.loss_scale == 0 ? "" : cat("lower precision.loss_scale (now ", static_cast<int64_t>(o.loss_scale), "), or ");
  return cat("an intermediate value overflowed f16; ", lower, "use precision.compute: bf16");
}

}  // namespace temper
