#include "core/image_fault.h"

#include "core/host.h"
#include "kernels/runtime/check.h"

namespace temper {

std::string image_fault_advice(const Engine& engine) {
  return cat("a number on its way left the range of f16; lower precision.loss_scale from ",
             static_cast<int64_t>(engine.options().loss_scale), ", or use precision.compute: bf16");
}

void check_image_gradients(Engine& engine, const std::string& attack) {
  const Tensor fault = engine.image_fault();
  if (!fault || host_values(engine, fault)[0] == 0) return;
  set_zero(engine.stream(), fault.data, fault.bytes());
  fail(attack, ": met a gradient of the images that is not finite: ", image_fault_advice(engine));
}

}  // namespace temper
