#include "nn/basic_block.h"

#include "core/ops/pool.h"

namespace temper {

namespace {
bool changes_shape(const BlockSpec& s) { return s.stride != 1 || s.in != s.out; }
}  // namespace

BasicBlock::BasicBlock(const Builder& b, const BlockSpec& spec)
    : spec_(spec),
      first_(b, "conv1", spec.norm == BlockNorm::batch ? "bn1" : "",
             {.in = spec.in,
              .out = spec.out,
              .stride = spec.stride,
              .bias = spec.norm == BlockNorm::batch ? Bias::no : Bias::yes,
              .init = spec.init}),
      second_(b, "conv2", spec.norm == BlockNorm::batch ? "bn2" : "",
              {.in = spec.out,
               .out = spec.out,
               .bias = spec.norm == BlockNorm::batch ? Bias::no : Bias::yes,
               .init = spec.init}) {
  if (!changes_shape(spec) || spec.shortcut == Shortcut::pad) return;
  projection_.emplace(b / "shortcut", "0", spec.norm == BlockNorm::batch ? "1" : "",
                      ConvSpec{.in = spec.in,
                               .out = spec.out,
                               .size = 1,
                               .stride = spec.stride,
                               .pad = 0,
                               .bias = spec.norm == BlockNorm::batch ? Bias::no : Bias::yes,
                               .init = spec.init});
}

Var BasicBlock::forward(Tape& tape, const Var& x, const Pass& pass) const {
  const Var y = first_(tape, x, pass, {}, Activation::relu);
  Var shortcut = x;
  if (projection_)
    shortcut = (*projection_)(tape, x, pass);
  else if (changes_shape(spec_))
    shortcut = shortcut_pad(tape, x, spec_.stride, static_cast<int>(spec_.out));
  return second_(tape, y, pass, shortcut, Activation::relu);
}

PreactBlock::PreactBlock(const Builder& b, const BlockSpec& spec, const std::string& shortcut)
    : bn_(b, "bn1", spec.in),
      first_(b, "conv1", "bn2", {.in = spec.in, .out = spec.out, .stride = spec.stride, .init = spec.init}),
      second_(b, "conv2", {.in = spec.out, .out = spec.out, .init = spec.init}) {
  if (changes_shape(spec))
    projection_.emplace(
        b, shortcut,
        ConvSpec{.in = spec.in, .out = spec.out, .size = 1, .stride = spec.stride, .pad = 0, .init = spec.init});
}

Var PreactBlock::forward(Tape& tape, const Var& x, const Pass& pass) const {
  const Var active = bn_(tape, x, pass, {}, Activation::relu);
  const Var shortcut = projection_ ? (*projection_)(tape, active, pass) : x;
  return second_(tape, first_(tape, active, pass, {}, Activation::relu), pass, shortcut);
}

}  // namespace temper
