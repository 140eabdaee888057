#pragma once
#include <span>

#include "data/pictures/raster.h"

namespace temper {

/// The EXIF orientation of a JPEG file, 1 (upright) to 8. 1 if the file has none, or one that is not valid.
int exif_orientation(std::span<const char> jpeg);

/// The picture rotated and flipped upright.
Raster upright(const Raster& picture, int orientation);

}  // namespace temper
