#pragma once
#include <cstdint>

#include "kernels/runtime/philox.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

struct CutMix {
  int h = 0, w = 0, c = 0;
  float probability = 1;  ///< of an image to be mixed
  RngKey key;
};

/// Mixes images of a batch (Yun et al. 2019): y[i] = x[i] but for a box, which stands in x[j], j another image of the
/// batch. The box covers about the share 1 - u of the image, u uniform in (0, 1), the paper's Beta(1, 1):
///   side_h = int(h * sqrt(1 - u)), side_w likewise; centre (p, q) uniform over the pixels;
///   rows [p - side_h / 2, p + side_h / 2) within the image, columns likewise.
/// share[i] = pixels of the box / (h * w), other[i] = labels[j]; j is uniform over the n - 1 others. An image that is
/// not mixed has share 0 and its own label. Everything drawn for image i depends on the key and ids[i] alone. x and y
/// (n, h, w, c), which must not overlap; labels, ids, other (n); share (n). f32 and f64. Moves x, y.
template <class T>
void cut_mix(Stream stream, int64_t n, const CutMix& options, T* y, int32_t* other, T* share, const T* x,
             const int32_t* labels, const int32_t* ids);

}  // namespace temper
