#pragma once
#include "core/convolution/conv.h"

namespace temper {

/// Does what a library left of a request, with separate kernels: y = [relu](y [+ residual] [+ bias]), in this order. It
/// does not compute sums (BatchNorm then computes its statistics, more accurately).
void finish(Stream stream, const ConvForward& request, const ConvDone& done);
/// The same for a data gradient: applies the mask.
void finish(Stream stream, const ConvBackwardData& request, const ConvDone& done);

/// A whole request. Returns whether the sums of a forward pass were computed.
bool convolve(ConvBackend& conv, Stream stream, const ConvForward& request);
void convolve_backward_data(ConvBackend& conv, Stream stream, const ConvBackwardData& request);

}  // namespace temper
