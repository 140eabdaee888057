#include "kernels/winograd/winograd.h"

#include "kernels/runtime/conv3x3_case.h"

namespace temper::winograd {
namespace {

using conv3x3::add_convolution;
using conv3x3::add_filter_gradient;
using conv3x3::ConvCase;
using conv3x3::ConvProblem;
using conv3x3::Epilogue;
using conv3x3::Stride;
using conv3x3::Tiling;

/// The tiling that engines use.
Tiling by_default(const ConvCase& c, int threads) { return tiling(*kernels(c.set), c.algorithm, c.g, threads); }
/// Tiles transformed by all threads, with blocks and ranges of channels that leave remainders.
Tiling by_channels(const ConvCase&, int) { return {.block = 3, .together = 5, .ranges = 2}; }

void add_both(const ConvCase& c) {
  add_convolution<float>(c);
  add_convolution<bfloat16>(c);
}
void add_both_gradients(const ConvCase& c) {
  add_filter_gradient<float>(c);
  add_filter_gradient<bfloat16>(c);
}

struct Shape {
  Stride stride;
  ConvProblem g;
};

ConvCase case_of(InstructionSet set, const Shape& s) {
  const Kernels& k = *kernels(set);
  const bool half = s.stride == Stride::half;
  return {.kernel = "winograd",
          .op = half                      ? "stride2_data"
                : s.stride == Stride::two ? "stride2"
                                          : "stride1",
          .set = set,
          .algorithm = half                      ? k.stride2_data
                       : s.stride == Stride::two ? k.stride2
                                                 : k.stride1,
          .stride = s.stride,
          .g = s.g,
          .rotated = half || s.g.pad == 2,
          .tiling = by_default};
}

// Odd extents, output channels that fill no vector, and 16, 32 or 96 channels: one vector, one pair of vectors, and
// more than share a scale of the integers.
const Shape kShapes[] = {{Stride::one, {.n = 2, .h = 7, .w = 9, .c = 32, .k = 84, .pad = 1}},
                         {Stride::one, {.n = 1, .h = 6, .w = 10, .c = 16, .k = 48, .pad = 2}},
                         {Stride::one, {.n = 1, .h = 5, .w = 4, .c = 96, .k = 10, .pad = 0}},
                         {Stride::one, {.n = 1, .h = 1, .w = 1, .c = 16, .k = 1, .pad = 1}},
                         {Stride::two, {.n = 2, .h = 15, .w = 18, .c = 96, .k = 84, .pad = 1, .p = 8, .q = 9}},
                         {Stride::two, {.n = 3, .h = 8, .w = 5, .c = 16, .k = 48, .pad = 1, .p = 4, .q = 3}},
                         {Stride::half, {.n = 2, .h = 8, .w = 9, .c = 96, .k = 84, .pad = 0, .p = 15, .q = 18}},
                         {Stride::half, {.n = 3, .h = 4, .w = 3, .c = 16, .k = 48, .pad = 0, .p = 8, .q = 5}}};
const Shape kGradientShapes[] = {
    {Stride::one, {.n = 2, .h = 7, .w = 9, .c = 48, .k = 32, .pad = 1}},
    {Stride::one, {.n = 3, .h = 5, .w = 6, .c = 32, .k = 16, .pad = 0}},
    {Stride::one, {.n = 9, .h = 15, .w = 17, .c = 16, .k = 48, .pad = 1}},
    {Stride::two, {.n = 9, .h = 30, .w = 34, .c = 16, .k = 32, .pad = 1, .p = 15, .q = 17}},
    {Stride::two, {.n = 2, .h = 9, .w = 12, .c = 112, .k = 96, .pad = 1, .p = 5, .q = 6}}};

// ResNet-18's, for 16 images.
const Shape kLayers[] = {{Stride::one, {.n = 16, .h = 32, .w = 32, .c = 64, .k = 64, .pad = 1}},
                         {Stride::one, {.n = 16, .h = 16, .w = 16, .c = 128, .k = 128, .pad = 1}},
                         {Stride::one, {.n = 16, .h = 8, .w = 8, .c = 256, .k = 256, .pad = 1}},
                         {Stride::one, {.n = 16, .h = 4, .w = 4, .c = 512, .k = 512, .pad = 1}},
                         {Stride::two, {.n = 16, .h = 32, .w = 32, .c = 64, .k = 128, .pad = 1, .p = 16, .q = 16}},
                         {Stride::half, {.n = 16, .h = 16, .w = 16, .c = 128, .k = 64, .pad = 0, .p = 32, .q = 32}}};

void add_tests(InstructionSet set) {
  for (const Shape& s : kShapes)
    for (const Epilogue epilogue : {Epilogue::none, Epilogue::all}) {
      ConvCase c = case_of(set, s);
      c.epilogue = epilogue;
      add_both(c);
      c.tiling = by_channels;
      c.tiling_name = "channels";
      add_both(c);
    }
  for (const Shape& s : kGradientShapes)
    for (const Epilogue epilogue : {Epilogue::none, Epilogue::all}) {
      ConvCase c = case_of(set, s);
      c.op += "_filter";
      c.epilogue = epilogue;
      add_both_gradients(c);
    }
}

/// What an engine runs on this processor.
void add_layers(InstructionSet set) {
  for (const Shape& s : kLayers) {
    ConvCase c = case_of(set, s);
    c.epilogue = Epilogue::none;
    c.size = CaseSize::network;
    add_both(c);
    if (s.stride == Stride::half) continue;
    c.op += "_filter";
    add_both_gradients(c);
  }
}

const CaseGroup group([] {
  for (const InstructionSet set : kInstructionSets)
    if (has(set)) add_tests(set);
  if (const auto best = best_instruction_set()) add_layers(*best);
});

}  // namespace
}  // namespace temper::winograd
