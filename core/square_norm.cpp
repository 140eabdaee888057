#include "core/square_norm.h"

#include "kernels/square_sum/square_sum.h"

namespace temper {

void square_norm(Engine& engine, const Flat& flat, const Tensor& into) {
  const Arena::Scope scope(engine.arena());
  const int64_t n = flat.layout().size();
  const Tensor partial = engine.arena().tensor({square_sum_partials(n)}, flat.dtype());
  dispatch_full(flat.dtype(), [&](auto tag) {
    using T = decltype(tag);
    square_sum<T>(engine.stream(), n, flat.all().as<T>(), partial.as<T>(), into.as<T>());
  });
}

}  // namespace temper
