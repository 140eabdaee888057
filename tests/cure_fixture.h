#pragma once
#include "core/params.h"

namespace temper::test {

/// Numbers 1, 2, ... through f, array by array.
inline void fill_with(Flat& flat, double (*f)(double)) {
  double at = 0;
  for (int i = 0; i < flat.store().count(); ++i) {
    std::vector<double> v(flat.store()[i].shape.numel());
    for (double& x : v) x = f(++at);
    flat.write(i, v);
  }
}

}  // namespace temper::test
