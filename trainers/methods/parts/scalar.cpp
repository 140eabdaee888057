#include "trainers/methods/parts/scalar.h"

#include "core/host.h"
#include "kernels/runtime/memory.h"

namespace temper {

double read_scalar(Engine& engine, const Tensor& x) {
  return host_values(engine, x.reshaped({x.numel()}).rows(0, 1))[0];
}

void put_scalar(Engine& engine, const Tensor& from, const Tensor& to) {
  TEMPER_CHECK(from.numel() == 1 && to.numel() == 1 && from.dtype == to.dtype,
               "put_scalar: expected one number of type ", to.dtype, ", got ", from.shape, " of ", from.dtype);
  copy(engine.stream(), to.data, to.device, from.data, from.device, from.bytes());
}

std::vector<double> Scalars::read() const { return host_values(engine_, all()); }

}  // namespace temper
