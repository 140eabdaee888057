#include "attacks/survivors.h"

#include <algorithm>

#include "core/host.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

int64_t half(int64_t n) { return (n + 1) / 2; }

}  // namespace

std::optional<Tensor> survivors(Engine& engine, const Tensor& success) {
  int64_t size = success.numel();
  if (planning(engine.stream())) return engine.arena().tensor({half(size)}, DType::i32);
  const std::vector<double> fooled = host_values(engine, success);
  std::vector<int32_t> rows(fooled.size());
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int32_t>(i);
  const auto first_fooled = std::stable_partition(rows.begin(), rows.end(), [&](int32_t r) { return fooled[r] <= 0; });
  const int64_t left = first_fooled - rows.begin();
  if (left == 0) return {};
  while (half(size) >= left && size > 1) size = half(size);
  const Tensor index = engine.arena().tensor({size}, DType::i32);
  copy(engine.stream(), index.data, index.device, rows.data(), Device::cpu, index.bytes());
  synchronize(engine.stream());
  return index;
}

}  // namespace temper
