#pragma once
// Not Temper's.

namespace host {

struct Tensor {
  int sides = 0;
};

}  // namespace host
