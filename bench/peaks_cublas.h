#pragma once
#include <memory>
#include <string>

#include "kernels/runtime/stream.h"

namespace temper::bench {

/// A product of two square matrices of random values by cuBLASLt.
class CublasProduct {
 public:
  /// n x n. `math`: f32, tf32, bf16 or f16; sums are f32. Uses the fastest of the algorithms that cuBLASLt proposes.
  /// Throws Error if a value of the result is wrong.
  CublasProduct(Stream stream, const std::string& math, int64_t n);
  ~CublasProduct();
  void operator()();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace temper::bench
