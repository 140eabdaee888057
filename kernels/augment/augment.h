#pragma once
#include <cstdint>

#include "kernels/runtime/hd.h"
#include "kernels/runtime/philox.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

enum class Padding : uint8_t { zero, reflect };
enum class Flip : uint8_t { none, random };

/// One image of a data set, and how it is varied when drawn.
struct AugmentOptions {
  /// Which image row i of the batch is made of: images[ids[i]], or images[i].
  enum class Images : uint8_t { by_id, in_order };

  int h = 0, w = 0, c = 0;
  int crop_h = 0, crop_w = 0;  ///< what is kept of it, at most the padded image; 0: as much as it has
  int crop_pad = 0;            ///< crops are taken from the image padded by this much on every side
  Padding padding = Padding::zero;
  Flip flip = Flip::none;  ///< random: mirrored left to right with probability 1/2, after the crop
  /// Side of a square of zeros at a random place of what is kept (DeVries & Taylor 2017): rows [p - cutout / 2, p +
  /// cutout / 2) about a random row p, columns likewise, as far as they are in the image. 0: none.
  int cutout = 0;
  RngKey key;
  Images images = Images::by_id;

  TEMPER_HD int out_h() const { return crop_h ? crop_h : h; }
  TEMPER_HD int out_w() const { return crop_w ? crop_w : w; }
};

/// A batch from a data set in memory: pad, crop at a random place, flip, scale to [0, 1], cut out.
///   y[i, row, col] = images[ids[i]][row + dy_i - crop_pad, flip_i(col) + dx_i - crop_pad], bytes / 255
/// dy is uniform in [0, h + 2 * crop_pad - out_h], dx likewise; flip_i(col) is col or out_w - 1 - col; outside the
/// image stands 0, or for Padding::reflect the image mirrored about its edge pixels (the edge itself not repeated;
/// needs crop_pad < h, w). With Images::in_order images[i] stands for images[ids[i]]. images (N, h, w, c) of bytes or
/// of floats in [0, 1], ids (n), y (n, out_h, out_w, c). What is drawn depends on the key and ids[i] alone.
/// Deterministic. Moves n * out_h * out_w * c * (sizeof(P) + sizeof(T)) bytes.
template <class P, class T>
void augment(Stream stream, int64_t n, const P* images, const int32_t* ids, T* y, const AugmentOptions& options);

}  // namespace temper
