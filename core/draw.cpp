#include "core/draw.h"

#include "kernels/categorical/categorical.h"

namespace temper {

Tensor draw_classes(Engine& engine, const Tensor& logits, const Tensor& ids, const RngStream& random) {
  const Shape& shape = logits.shape;
  TEMPER_CHECK(shape.rank() == 2 && ids.shape == Shape{shape[0]} && ids.dtype == DType::i32,
               "draw: expected logits (N, C) and ids (N) i32, got ", shape, " and ", ids.shape, " ", ids.dtype);
  const Tensor drawn = engine.arena().tensor({shape[0]}, DType::i32);
  dispatch_full(logits.dtype, [&](auto tag) {
    using T = decltype(tag);
    categorical(engine.stream(), shape[0], static_cast<int>(shape[1]), drawn.as<int32_t>(), logits.as<const T>(),
                ids.as<const int32_t>(), random.key());
  });
  return drawn;
}

}  // namespace temper
