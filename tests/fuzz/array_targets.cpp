// Files of arrays.
#include "core/files/npz.h"
#include "core/files/safetensors.h"
#include "data/readers/mat.h"
#include "tests/fuzz/target.h"

using namespace temper;
using namespace temper::fuzz;

namespace {

void promise_whole(const NamedArray& a) {
  promise(a.numel() >= 0 && a.bytes.size() == static_cast<size_t>(a.numel()) * size_of(a.dtype));
}

}  // namespace

TEMPER_FUZZ_TARGET(safetensors) {
  for (const NamedArray& a : load_safetensors(as_file("a.safetensors", bytes)).arrays) promise_whole(a);
}

TEMPER_FUZZ_TARGET(npy) { promise_whole(load_npy(as_file("a.npy", bytes))); }

TEMPER_FUZZ_TARGET(npz) {
  for (const NamedArray& a : load_npz(as_file("a.npz", bytes))) promise_whole(a);
}

TEMPER_FUZZ_TARGET(mat) {
  for (const MatArray& a : parse_mat("a.mat", {bytes.begin(), bytes.end()})) {
    int64_t n = 1;
    for (const int64_t e : a.extents) n *= e;
    promise(n == static_cast<int64_t>(a.values.size()));
  }
}
