#include "core/plans/conv_arrays.h"

namespace temper {

using namespace conv_id;

DType storage(ConvType type) {
  if (type == ConvType::bf16) return DType::bf16;
  return type == ConvType::f16 ? DType::f16 : DType::f32;
}

std::vector<ConvArray> conv_arrays(const ConvKey& key) {
  const ConvShape& g = key.shape;
  const DType type = storage(key.type);
  const bool filter = key.pass == ConvPass::backward_filter;
  const ConvArray x{kX, g.n * g.h * g.w * g.c, type}, y{kY, g.n * g.p() * g.q() * g.k, type},
      w{kW, g.k * g.r * g.s * g.c, filter ? DType::f32 : type};
  std::vector<ConvArray> all = filter                          ? std::vector{w, x, y}
                               : key.pass == ConvPass::forward ? std::vector{y, x, w}
                                                               : std::vector{x, y, w};
  ConvArray& result = all[0];
  result.use = key.accumulate ? ArrayUse::updated : ArrayUse::written;
  const int64_t elements = result.elements;
  if (filter && type != DType::f32) all.push_back({kAccumulator, elements, DType::f32});
  if (key.bias) all.push_back({kBias, g.k, type});
  if (key.residual) all.push_back({kResidual, elements, type});
  if (key.mask) all.push_back({kMask, elements, type});
  if (key.statistics)
    for (const int64_t id : {kSum, kSquares}) all.push_back({id, g.k, DType::f32, ArrayUse::written});
  return all;
}

}  // namespace temper
