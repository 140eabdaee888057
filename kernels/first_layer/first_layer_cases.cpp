#include "kernels/first_layer/first_layer.h"

#include "kernels/runtime/conv3x3_case.h"

namespace temper::first_layer {
namespace {

using conv3x3::ConvCase;
using conv3x3::ConvProblem;
using conv3x3::Epilogue;

void add_both(const ConvCase& c) {
  conv3x3::add_convolution<float>(c);
  conv3x3::add_convolution<bfloat16>(c);
}

/// The layer and its data gradient, for images (n, h, w, channels) and k outputs.
void add(InstructionSet set, const ConvProblem& g, Epilogue epilogue, CaseSize size) {
  add_both({.kernel = "first_layer",
            .op = "forward",
            .set = set,
            .algorithm = kernels(set)->forward,
            .g = g,
            .epilogue = epilogue,
            .size = size});
  add_both({.kernel = "first_layer",
            .op = "data_gradient",
            .set = set,
            .algorithm = kernels(set)->data_gradient,
            .g = {.n = g.n, .h = g.h, .w = g.w, .c = g.k, .k = g.c, .pad = 1},
            .rotated = true,
            .epilogue = epilogue,
            .has_bias = false,
            .size = size});
}

const CaseGroup group([] {
  for (const InstructionSet set : kInstructionSets) {
    if (!has(set)) continue;
    for (const Epilogue epilogue : {Epilogue::none, Epilogue::all})
      for (int64_t c = 1; c <= kMostChannels; ++c) {
        add(set, {.n = 2, .h = 19, .w = 13, .c = c, .k = 48, .pad = 1}, epilogue, CaseSize::test);
        add(set, {.n = 1, .h = 4, .w = 17, .c = c, .k = 16, .pad = 1}, epilogue, CaseSize::test);
      }
  }
  if (const auto best = best_instruction_set())
    add(*best, {.n = 64, .h = 32, .w = 32, .c = 3, .k = 64, .pad = 1}, Epilogue::none, CaseSize::network);
});

}  // namespace
}  // namespace temper::first_layer
