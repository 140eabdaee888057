#pragma once
#include <span>

#include "data/pictures/raster.h"

namespace temper {

/// How a JPEG file says its picture is to be turned before it is looked at: EXIF's orientation, 1 (upright) to 8; 1
/// where it says nothing that can be understood.
int exif_orientation(std::span<const char> jpeg);

/// The picture turned upright.
Raster upright(const Raster& picture, int orientation);

}  // namespace temper
