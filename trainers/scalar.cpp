#include "trainers/scalar.h"

#include "kernels/runtime/memory.h"

namespace temper {

double read_scalar(Engine& engine, const Tensor& x) {
  double out = 0;
  dispatch_full(x.dtype, [&](auto tag) {
    decltype(tag) value{};
    copy(engine.stream(), &value, Device::cpu, x.data, x.device, sizeof value);
    synchronize(engine.stream());
    out = value;
  });
  return out;
}

}  // namespace temper
