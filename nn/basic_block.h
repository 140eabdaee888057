#pragma once
#include "nn/layers.h"

namespace TEMPER_API temper {

/// The shortcut of a residual block that changes the shape. projection: a strided 1x1 convolution with BatchNorm
/// (option B of He et al. 2016); pad: every stride-th pixel, zero-padded channels, no parameters (option A).
enum class Shortcut : uint8_t { projection, pad };
enum class BlockNorm : uint8_t { none, batch };

struct BlockSpec {
  int64_t in = 0, out = 0;
  int stride = 1;
  Shortcut shortcut = Shortcut::projection;
  BlockNorm norm = BlockNorm::batch;  ///< none: the convolutions have a bias instead
  init::Rule init = init::torch_rule;
};

/// relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)); 3x3 convolutions, the first one strided. Names conv1, bn1,
/// conv2, bn2, shortcut.0, shortcut.1.
class BasicBlock : public Module {
 public:
  BasicBlock(const Builder& b, const BlockSpec& spec);
  Var forward(Tape& tape, const Var& x, const Pass& pass) const override;

 private:
  BlockSpec spec_;
  ConvUnit first_, second_;
  std::optional<ConvUnit> projection_;
};

/// relu of bn1; then conv2(relu(bn2(conv1(.)))) + shortcut, which is the block's input or, where the shape changes, a
/// strided 1x1 convolution of relu(bn1(x)). Names bn1, conv1, bn2, conv2 and `shortcut`. He et al. 2016b.
class PreactBlock : public Module {
 public:
  PreactBlock(const Builder& b, const BlockSpec& spec, const std::string& shortcut);
  Var forward(Tape& tape, const Var& x, const Pass& pass) const override;

 private:
  BatchNorm bn_;
  ConvUnit first_;
  Conv2d second_;
  std::optional<Conv2d> projection_;
};

}  // namespace temper
