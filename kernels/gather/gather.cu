#include "kernels/gather/gather.h"

#include "kernels/runtime/map.h"

namespace temper {

namespace {
struct Gather {
  const int32_t* table;
  TEMPER_HD void operator()(int64_t, int32_t& y, int32_t id) const { y = table[id]; }
};

struct Take {
  const int32_t* from;
  TEMPER_HD void operator()(int64_t i, int32_t& y) const { y = from[i]; }
};
struct LiveTake {
  const int32_t* table;
  ScalarArg<int64_t> first;
  TEMPER_HD Take bind() const { return {table + first.now()}; }
};
}  // namespace

void gather(Stream stream, int64_t n, const int32_t* table, const int32_t* ids, int32_t* y) {
  const KernelRange range(stream, "gather", {n});
  map(stream, n, Gather{table}, write(y), ids);
}

void take(Stream stream, int64_t n, const int32_t* table, ScalarArg<int64_t> first, int32_t* y) {
  const KernelRange range(stream, "take", {n});
  map(stream, n, LiveTake{table, first}, write(y));
}

}  // namespace temper
