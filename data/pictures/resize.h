#pragma once
#include <vector>

#include "data/pictures/raster.h"

namespace temper {

/// The size to scale to, and the part of the scaled picture to return.
struct ResizeOptions {
  int64_t height = 0, width = 0;
  int64_t top = 0, left = 0;
  int rows = 0, columns = 0;
};

/// Scales a picture and returns a part of it, (rows, columns, channels) in [0, 1]. The two directions are separate:
/// downscaling uses the filter of Mitchell and Netravali (1988), B = C = 1/3, widened so that every pixel counts;
/// upscaling uses Catmull-Rom; a direction whose size stays is copied. Edge pixels are repeated beyond the edge. Time
/// and memory are proportional to the part. Deterministic.
std::vector<float> resize(const Raster& in, const ResizeOptions& options);

}  // namespace temper
