#pragma once
#include "core/convolution/conv.h"

namespace temper {

/// y = [relu](y [+ residual] [+ bias]), bias in y's type: a forward epilogue on its own, for a library that cannot fuse
/// it.
void apply_epilogue(Stream stream, const ConvShape& g, const Tensor& y, const Tensor& bias, const ConvEpilogue& e);

}  // namespace temper
