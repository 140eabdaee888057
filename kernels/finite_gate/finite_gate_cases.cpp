#include "kernels/finite_gate/finite_gate.h"

#include "kernels/fill/fill.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

template <class T>
void add(int n, int bad, double value) {
  const DType t = dtype_of<T>();
  add_case({.kernel = "finite_gate",
            .name = cat(name(t), "/n=", n, bad < 0 ? "" : cat("/", value, " at ", bad)),
            .arrays = {{"values", Role::scratch, t, n}, {"gate", Role::out, DType::i32, 1}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  if (bad >= 0) fill<T>(s, 1, a.get<T>(0) + bad, T(value));
                  finite_gate<T>(s, n, a.get<T>(0), a.get<uint32_t>(1));
                },
            .reference = [=](auto& a) { a[1][0] = bad < 0 ? 1 : 0; }});
}

const CaseGroup group([] {
  constexpr double kInfinity = __builtin_inf();
  for (const int n : {0, 1, 5}) {
    add<float>(n, -1, 0);
    add<double>(n, -1, 0);
    for (int bad = 0; bad < n; ++bad)
      for (const double value : {kInfinity, -kInfinity, __builtin_nan("")}) {
        add<float>(n, bad, value);
        add<double>(n, bad, value);
      }
  }
});

}  // namespace
}  // namespace temper
