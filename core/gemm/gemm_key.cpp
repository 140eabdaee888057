#include "core/gemm/gemm_key.h"

#include "kernels/runtime/check.h"

namespace temper {

std::string text(const GemmKey& key) {
  static const char* const kMath[] = {"f32", "tf32", "f64"};
  const auto matrix = [](int64_t rows, int64_t cols, Transpose t) {
    return t == Transpose::no ? cat("(", rows, ", ", cols, ")") : cat("(", cols, ", ", rows, ") transposed");
  };
  return cat(kMath[static_cast<int>(key.math)], " product", key.bias ? " + bias" : "", " of a ",
             matrix(key.m, key.k, key.ta), " and b ", matrix(key.k, key.n, key.tb));
}

std::string refusal_text(const GemmKey& key, const PlanRefusals& r, const PlanSource& source) {
  std::string advice = "check with `temper version` that the driver is not older than cuBLAS, or use device: cpu";
  if (r.imprecise > 0)
    advice = "use precision.compute: tf32, or device: cpu";
  else if (key.alignment < 16)
    advice = "pass arrays that start at a multiple of 16 bytes";
  return cat("gemm: ", source.library, " on ", source.device, " has no algorithm that repeats bit for bit within ",
             source.workspace >> 20, " MiB of work space for the ", text(key), ": ", refused_text(r, source), "; ",
             advice);
}

}  // namespace temper
