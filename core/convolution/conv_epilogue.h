#pragma once
#include "core/convolution/conv.h"

namespace temper {

/// What a library left of a request, by kernels of its own: y = [relu](y [+ residual] [+ bias]), in this order. Sums
/// are left to whoever wants them (BatchNorm takes its statistics more exactly then).
void finish(Stream stream, const ConvForward& request, const ConvDone& done);
/// The mask.
void finish(Stream stream, const ConvBackwardData& request, const ConvDone& done);

/// A whole request, but for the sums of a forward pass where the library has none: false.
bool convolve(ConvBackend& conv, Stream stream, const ConvForward& request);
void convolve_backward_data(ConvBackend& conv, Stream stream, const ConvBackwardData& request);

}  // namespace temper
