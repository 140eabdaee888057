#include "core/optimisations.h"

namespace temper {

namespace {

using enum Optimisation;
constexpr Claim kExact = Claim::exact, kRounding = Claim::rounding;
constexpr std::optional<Device> kBoth, kCpu = Device::cpu, kCuda = Device::cuda;

constexpr LedgerRow kLedger[] = {
    {prepared_filters, "prepared_filters", kExact, kExact, kBoth},
    {adopted_gradients, "adopted_gradients", kExact, kExact, kBoth},
    {slices, "slices", kExact, kExact, kCpu},
    {fused_batch_norm, "fused_batch_norm", kExact, kExact, kBoth},
    {fused_average, "fused_average", kExact, kExact, kBoth},
    {conv_epilogue, "conv_epilogue", kExact, kRounding, kBoth},
    {masked_gradients, "masked_gradients", kExact, kRounding, kBoth},
    {fold_batch_norm, "fold_batch_norm", kRounding, kRounding, kBoth},
    {winograd, "winograd", kRounding, kExact, kCpu},
    {first_layer, "first_layer", kRounding, kExact, kCpu},
    {split_filter_gradients, "split_filter_gradients", kRounding, kExact, kCpu},
    {product_bias, "product_bias", kExact, kRounding, kCuda},
    {fused_statistics, "fused_statistics", kExact, kRounding, kCuda},
    {timed_plans, "timed_plans", kExact, kRounding, kCuda},
};

constexpr bool in_order() {
  int next = 0;
  for (const LedgerRow& row : kLedger)
    if (static_cast<int>(row.which) != next++) return false;
  return next == static_cast<int>(timed_plans) + 1;
}
static_assert(in_order());

}  // namespace

std::span<const LedgerRow> ledger() { return kLedger; }

Optimisations that_round() {
  Optimisations all;
  for (const LedgerRow& row : kLedger)
    if (row.cpu == Claim::rounding || row.cuda == Claim::rounding) all.add(row.which);
  return all;
}

}  // namespace temper
