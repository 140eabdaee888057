#include "kernels/gather/gather.h"

#include "kernels/runtime/map.h"

namespace temper {

namespace {
struct Gather {
  const int32_t* table;
  HD void operator()(int64_t, int32_t& y, int32_t id) const { y = table[id]; }
};
}  // namespace

void gather(Stream stream, int64_t n, const int32_t* table, const int32_t* ids, int32_t* y) {
  const KernelRange range(stream, "gather", {n});
  map(stream, n, Gather{table}, write(y), ids);
}

}  // namespace temper
