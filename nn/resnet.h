#pragma once
#include <vector>

#include "nn/basic_block.h"
#include "nn/chain.h"

namespace TEMPER_API temper {

/// A residual network for small images (He et al. 2016): a 3x3 convolution, stages of basic blocks (every stage but the
/// first halves the image), global average pooling, linear. Names conv1, bn1, layerI.J.*, linear.
struct ResNetSpec {
  std::vector<int64_t> widths;  ///< channels of each stage; the first convolution has the first
  std::vector<int> blocks;      ///< blocks of each stage
  Shortcut shortcut = Shortcut::projection;
  init::Rule init = init::torch_rule;  ///< of every weight, the linear one included
};

class ResNet : public Module {
 public:
  ResNet(const Builder& b, const DataShape& data, const ResNetSpec& spec);
  Var forward(Tape& tape, const Var& x, const Pass& pass) const override;

 private:
  ConvUnit stem_;
  Chain stages_;
  std::optional<PooledLinear> head_;
};

inline constexpr Limits kWidth = Limits::between(1, 1 << 16);
/// Throws Error at `key` unless there is at least one.
void check_widths(const Fields& f, const char* key, const std::vector<int>& widths);

}  // namespace temper
