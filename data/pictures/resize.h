#pragma once
#include <vector>

#include "data/pictures/raster.h"

namespace temper {

/// The size a picture is brought to, and the part of it that is wanted.
struct ResizeOptions {
  int64_t height = 0, width = 0;
  int64_t top = 0, left = 0;
  int rows = 0, columns = 0;
};

/// A part of the picture brought to another size, (rows, columns, channels) in [0, 1]. Each way by itself: smaller by
/// the filter of Mitchell and Netravali (1988), B = C = 1/3, wide enough to see every pixel; larger by Catmull and
/// Rom's; as it is where the size stays. Beyond the edge stands the edge's pixel. Time and memory are those of the part
/// that is wanted. Deterministic.
std::vector<float> resize(const Raster& in, const ResizeOptions& options);

}  // namespace temper
