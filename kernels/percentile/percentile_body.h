#pragma once
// What the two halves of percentile share: keys that sort as their values do, the digits the selection goes through,
// and the interpolation.
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/percentile/percentile.h"
#include "kernels/runtime/hd.h"

namespace temper::detail {

template <class T>
using OrderKey = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

/// Order-preserving integers: all bits of negative numbers are inverted, only the sign bit of the others.
template <class T>
TEMPER_HD OrderKey<T> to_key(T value) {
  using Key = OrderKey<T>;
  constexpr Key kSign = Key(1) << (8 * sizeof(T) - 1);
  Key bits;
  memcpy(&bits, &value, sizeof bits);
  return (bits & kSign) ? ~bits : bits | kSign;
}

template <class T>
TEMPER_HD T from_key(OrderKey<T> key) {
  using Key = OrderKey<T>;
  constexpr Key kSign = Key(1) << (8 * sizeof(T) - 1);
  const Key bits = (key & kSign) ? key & ~kSign : ~key;
  T value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

inline constexpr int kDigitBits = 11, kBins = 1 << kDigitBits;

/// A digit of a key, the most significant first; the last is shorter.
struct Digit {
  int shift, bits;
  template <class Key>
  TEMPER_HD uint32_t of(Key key) const {
    return static_cast<uint32_t>(key >> shift) & ((1u << bits) - 1);
  }
  /// Whether a key agrees with `prefix` in all digits before this one.
  template <class Key>
  TEMPER_HD bool follows(Key key, Key prefix) const {
    constexpr int kWidth = 8 * sizeof(Key);
    return shift + bits == kWidth || (key ^ prefix) >> (shift + bits) == 0;
  }
};
template <class T>
inline constexpr int kDigits = (8 * sizeof(T) + kDigitBits - 1) / kDigitBits;
template <class T>
constexpr Digit digit(int i) {
  const int left = static_cast<int>(8 * sizeof(T)) - kDigitBits * i;
  return left >= kDigitBits ? Digit{left - kDigitBits, kDigitBits} : Digit{0, left};
}

/// Products that the compiler must not fuse with a sum, so that both devices round alike.
TEMPER_HD double product(double a, double b) {
#if defined(__CUDA_ARCH__)
  return __dmul_rn(a, b);
#else
  return a * b;
#endif
}

/// NumPy's interpolation between neighbours in the order, rounded up to T.
template <class T>
TEMPER_HD T between(T low, T high, double fraction) {
  if (low == high || fraction == 0) return low;
  const double a = low, b = high, gap = b - a;
  const double v = fraction >= 0.5 ? b - product(gap, 1 - fraction) : a + product(gap, fraction);
  const T rounded = static_cast<T>(v);
  return static_cast<double>(rounded) < v ? from_key<T>(to_key(rounded) + 1) : rounded;
}

}  // namespace temper::detail
