#pragma once
// The optimisations of docs/exactness.md that can be switched off, each by its name.
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

enum class Optimisation : uint8_t {
  prepared_filters,
  adopted_gradients,
  slices,
  fused_batch_norm,
  fused_average,
  conv_epilogue,
  masked_gradients,
  fold_batch_norm,
  winograd,
  first_layer,
  split_filter_gradients,
  product_bias,
  fused_statistics,
  timed_plans,
};

/// How an optimisation affects results, in f32 and f64. exact: not a bit; rounding: the same formula with its
/// operations in another order.
enum class Claim : uint8_t { exact, rounding };

/// A row of the ledger.
struct LedgerRow {
  Optimisation which;
  const char* name;          ///< in `without`
  Claim cpu, cuda;           ///< on either device
  std::optional<Device> on;  ///< the only device that has it; empty: both
};

/// All of them, in the order of the enumeration.
std::span<const LedgerRow> ledger();

/// A set of optimisations, such as those that an engine does without.
class Optimisations {
 public:
  Optimisations() = default;
  Optimisations(std::initializer_list<Optimisation> all) {
    for (const Optimisation o : all) add(o);
  }
  void add(Optimisation o) { bits_ |= bit(o); }
  Optimisations& operator|=(const Optimisations& more) {
    bits_ |= more.bits_;
    return *this;
  }
  bool has(Optimisation o) const { return bits_ & bit(o); }
  friend bool operator==(const Optimisations&, const Optimisations&) = default;

 private:
  static uint32_t bit(Optimisation o) { return uint32_t{1} << static_cast<int>(o); }
  uint32_t bits_ = 0;
};

/// The optimisations whose claim is `rounding` on some device; `exact: true` switches them off.
Optimisations that_round();

}  // namespace temper
