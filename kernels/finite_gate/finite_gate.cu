#include "kernels/finite_gate/finite_gate.h"

#include "kernels/runtime/map.h"

namespace temper {

namespace {
template <class T>
struct FiniteGate {
  int n;
  const T* values;
  TEMPER_HD void operator()(int64_t, uint32_t& gate) const {
    gate = 1;
    for (int i = 0; i < n; ++i)
      if (!(values[i] - values[i] == T(0))) gate = 0;
  }
};
}  // namespace

template <class T>
void finite_gate(Stream stream, int n, const T* values, uint32_t* gate) {
  const KernelRange range(stream, "finite_gate", {n});
  map(stream, 1, FiniteGate<T>{n, values}, write(gate));
}

template void finite_gate<float>(Stream, int, const float*, uint32_t*);
template void finite_gate<double>(Stream, int, const double*, uint32_t*);

}  // namespace temper
