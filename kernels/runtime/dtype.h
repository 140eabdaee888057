#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ostream>

#include "kernels/runtime/check.h"
#include "kernels/runtime/hd.h"

namespace TEMPER_API temper {

enum class DType : uint8_t { f32, f64, bf16, i32, u8, i64, f16 };

constexpr size_t size_of(DType t) {
  switch (t) {
    case DType::f64:
    case DType::i64: return 8;
    case DType::bf16:
    case DType::f16: return 2;
    case DType::u8: return 1;
    default: return 4;
  }
}

constexpr const char* name(DType t) {
  switch (t) {
    case DType::f32: return "f32";
    case DType::f64: return "f64";
    case DType::bf16: return "bf16";
    case DType::i32: return "i32";
    case DType::u8: return "u8";
    case DType::i64: return "i64";
    case DType::f16: return "f16";
  }
  return "?";
}
inline std::ostream& operator<<(std::ostream& out, DType t) { return out << name(t); }

/// Storage for bfloat16: the upper half of a float, rounded to nearest even. Arithmetic happens in float.
struct bfloat16 {
  uint16_t bits;

  bfloat16() = default;
  TEMPER_HD explicit bfloat16(float value) {
#if defined(__CUDA_ARCH__)
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));  // needs sm_80
#else
    uint32_t u;
    std::memcpy(&u, &value, sizeof u);
    const uint32_t rounded = u + 0x7fffu + ((u >> 16) & 1u);
    const bool is_nan = (u & 0x7fffffffu) > 0x7f800000u;
    bits = static_cast<uint16_t>(is_nan ? (u >> 16) | 0x40u : rounded >> 16);
#endif
  }
  TEMPER_HD operator float() const {
    const uint32_t u = static_cast<uint32_t>(bits) << 16;
#if defined(__CUDA_ARCH__)
    return __uint_as_float(u);
#else
    float value;
    std::memcpy(&value, &u, sizeof value);
    return value;
#endif
  }
};

/// Storage for IEEE binary16: 10 bits of mantissa, from 6e-8 to 65504, beyond that infinity; rounded to nearest even.
/// Arithmetic happens in float.
struct float16 {
  uint16_t bits;

  float16() = default;
  TEMPER_HD explicit float16(float value) {
#if defined(__CUDA_ARCH__)
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
#else
    uint32_t u;
    std::memcpy(&u, &value, sizeof u);
    const uint32_t sign = (u >> 16) & 0x8000u, a = u & 0x7fffffffu;
    // Below 2^-14 steps are 2^-24, which is what one step of a float in [0.5, 1) is: adding 0.5 rounds.
    float magnitude;
    std::memcpy(&magnitude, &a, sizeof a);
    magnitude += 0.5f;
    uint32_t small;
    std::memcpy(&small, &magnitude, sizeof small);
    const uint32_t normal = (a - 0x38000000u + 0xfffu + ((a >> 13) & 1u)) >> 13;
    const uint32_t special = a > 0x7f800000u ? 0x7e00u : 0x7c00u;
    const uint32_t finite = a < 0x38800000u ? small - 0x3f000000u : normal;
    bits = static_cast<uint16_t>(sign | (a >= 0x47800000u ? special : finite));
#endif
  }
  TEMPER_HD operator float() const {
#if defined(__CUDA_ARCH__)
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
#else
    const uint32_t a = bits & 0x7fffu, sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
    // A subnormal is its bits times 2^-24.
    const float small = static_cast<float>(a) * 5.9604644775390625e-8f;
    uint32_t subnormal;
    std::memcpy(&subnormal, &small, sizeof small);
    const uint32_t normal = (a << 13) + (a >= 0x7c00u ? 0x70000000u : 0x38000000u);
    const uint32_t u = sign | (a < 0x0400u ? subnormal : normal);
    float value;
    std::memcpy(&value, &u, sizeof value);
    return value;
#endif
  }
};

/// The type of arithmetic on a stored type: double for double, float for all others.
template <class T>
struct ComputeType {
  using type = float;
};
template <>
struct ComputeType<double> {
  using type = double;
};
template <class T>
using compute_t = typename ComputeType<T>::type;

template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::f32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::f64;
}
template <>
constexpr DType dtype_of<bfloat16>() {
  return DType::bf16;
}
template <>
constexpr DType dtype_of<float16>() {
  return DType::f16;
}
template <>
constexpr DType dtype_of<int32_t>() {
  return DType::i32;
}
template <>
constexpr DType dtype_of<uint8_t>() {
  return DType::u8;
}
template <>
constexpr DType dtype_of<int64_t>() {
  return DType::i64;
}

/// Calls f with a value of the element type: dispatch(t, [&](auto tag) { using T = decltype(tag); ... }).
template <class F>
decltype(auto) dispatch_float(DType t, F f) {
  switch (t) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    case DType::bf16: return f(bfloat16{});
    case DType::f16: return f(float16{});
    default: fail("expected a floating point tensor (f32, f64, bf16 or f16), got ", t);
  }
}

/// As dispatch_float, for 16-bit types only.
template <class F>
decltype(auto) dispatch_half(DType t, F f) {
  switch (t) {
    case DType::bf16: return f(bfloat16{});
    case DType::f16: return f(float16{});
    default: fail("expected bf16 or f16, got ", t);
  }
}

/// As dispatch_float, for f32 and f64 only: parameters, statistics, logits, losses.
template <class F>
decltype(auto) dispatch_full(DType t, F f) {
  switch (t) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    default: fail("expected f32 or f64, got ", t);
  }
}

}  // namespace temper
