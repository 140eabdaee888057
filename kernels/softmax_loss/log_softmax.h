#pragma once
#include <cmath>

#include "kernels/runtime/row.h"

namespace TEMPER_API temper {

/// log softmax(z / temperature) of one row.
template <class T>
struct LogSoftmax {
  T temperature, max, log_sum;

  TEMPER_HD LogSoftmax(const Row& row, const T* z, T temperature_)
      : temperature(temperature_),
        max(row.max([&](int, T v) { return v / temperature; }, z)),
        log_sum(std::log(row.sum([&](int, T v) { return std::exp(v / temperature - max); }, z))) {}
  TEMPER_HD T operator()(T v) const { return (v / temperature - max) - log_sum; }
};

/// Whether each of a row's logits is a finite number.
template <class T>
TEMPER_HD bool all_finite(const Row& row, const T* z) {
  return row.max([](int, T v) { return v - v == T(0) ? 0 : 1; }, z) == 0;
}

}  // namespace temper
