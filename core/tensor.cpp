#include "core/tensor.h"

namespace temper {

Tensor Tensor::rows(int64_t from, int64_t count) const {
  TEMPER_CHECK(shape.rank() > 0 && from >= 0 && count >= 0 && from + count <= shape[0], "rows: [", from, ", ",
               from + count, ") is outside a tensor of shape ", shape);
  const int64_t row = shape[0] ? numel() / shape[0] : 0;
  Shape s = shape.rank() == 1   ? Shape{count}
            : shape.rank() == 2 ? Shape{count, shape[1]}
            : shape.rank() == 3 ? Shape{count, shape[1], shape[2]}
                                : Shape{count, shape[1], shape[2], shape[3]};
  return {static_cast<char*>(data) + from * row * size_of(dtype), s, dtype, device};
}

}  // namespace temper
