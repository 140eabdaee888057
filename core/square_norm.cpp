#include "core/square_norm.h"

#include "kernels/square_sum/square_sum.h"

namespace temper {

void square_norm(Engine& engine, const ParamBuffer& buffer, const Tensor& into) {
  const Arena::Scope scope(engine.arena());
  const int64_t n = buffer.layout().size();
  const Tensor partial = engine.arena().tensor({square_sum_partials(n)}, buffer.dtype());
  dispatch_full(buffer.dtype(), [&](auto tag) {
    using T = decltype(tag);
    square_sum<T>(engine.stream(), n, buffer.all().as<T>(), partial.as<T>(), into.as<T>());
  });
}

}  // namespace temper
