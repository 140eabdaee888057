#pragma once
// The key of a matrix product's algorithm, and the error if a library has none. Independent of the library.
#include <compare>
#include <string>

#include "core/gemm/gemm.h"
#include "core/plans/plan_refusals.h"

namespace temper {

/// The precision of a product; sums are f32 (f64). tf32: operands are rounded to 10 bits.
enum class GemmMath : uint8_t { f32, tf32, f64 };

/// (m, n) = op(a) (m, k) * op(b) (k, n), row-major.
struct GemmKey {
  int64_t m = 0, n = 0, k = 0;
  Transpose ta = Transpose::no, tb = Transpose::no;
  GemmMath math = GemmMath::f32;
  bool bias = false;
  int64_t alignment = 16;  ///< bytes, of every pointer

  friend auto operator<=>(const GemmKey&, const GemmKey&) = default;
};

/// "f32 product + bias of a (128, 512) and b (10, 512) transposed"
std::string text(const GemmKey& key);

/// The error if there is no algorithm: op, shapes, type, device, versions, what was proposed and refused, what to
/// change.
std::string refusal_text(const GemmKey& key, const PlanRefusals& refusals, const PlanSource& source);

}  // namespace temper
