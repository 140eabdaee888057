#include "kernels/runtime/case_arrays.h"

#include <cmath>
#include <random>

#include "kernels/runtime/check.h"

namespace temper {

namespace {

template <class F>
void with_type(DType t, F f) {
  switch (t) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    case DType::bf16: return f(bfloat16{});
    case DType::f16: return f(float16{});
    case DType::i32: return f(int32_t{});
    case DType::u8: return f(uint8_t{});
    case DType::i64: return f(int64_t{});
  }
}

}  // namespace

std::vector<char> random_bytes(const CaseArray& a, int64_t guard, int seed) {
  const int64_t n = a.n + 2 * guard;
  std::vector<char> bytes(n * size_of(a.dtype));
  with_type(a.dtype, [&](auto tag) {
    using T = decltype(tag);
    std::mt19937_64 gen(seed);
    std::uniform_real_distribution<double> real(a.lo, a.hi);
    std::uniform_int_distribution<int64_t> whole(static_cast<int64_t>(a.lo), static_cast<int64_t>(a.hi));
    T* v = reinterpret_cast<T*>(bytes.data());
    for (int64_t i = 0; i < n; ++i) {
      if constexpr (std::is_integral_v<T>)
        v[i] = static_cast<T>(whole(gen));
      else if constexpr (sizeof(T) == 2)
        v[i] = T(static_cast<float>(real(gen)));
      else
        v[i] = static_cast<T>(real(gen));
    }
  });
  return bytes;
}

std::vector<double> to_double(const CaseArray& a, const void* data) {
  std::vector<double> out(a.n);
  with_type(a.dtype, [&](auto tag) {
    using T = decltype(tag);
    const T* v = static_cast<const T*>(data);
    for (int64_t i = 0; i < a.n; ++i) out[i] = static_cast<double>(static_cast<compute_t<T>>(v[i]));
  });
  return out;
}

std::string difference(double tolerance, const CaseArray& a, const std::vector<double>& want,
                       const std::vector<double>& got) {
  if (a.role == Role::scratch) return "";
  for (int64_t i = 0; i < a.n; ++i)
    if (!(std::abs(got[i] - want[i]) <= tolerance * std::max(1.0, std::abs(want[i]))))
      return cat("array ", a.name, " element ", i, " of ", a.n, ": expected ", want[i], ", got ", got[i]);
  return "";
}

}  // namespace temper
