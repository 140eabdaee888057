#pragma once
#include <map>
#include <string>
#include <vector>

#include "bench/result.h"
#include "core/convolution/conv.h"
#include "core/engine.h"
#include "nn/module.h"

namespace temper::bench {

/// The `model` section for a network's name: a name that `temper list` prints, wide_resnetDEPTH_WIDTH, or quickstart
/// (the network of configs/quickstart).
std::string model_section(const std::string& network);

/// The shape of the images that a network is measured on: Fashion-MNIST's for quickstart, otherwise CIFAR-10's.
DataShape data_shape(const std::string& network);

/// How often one pass over the network runs each kind of a convolution.
struct ConvCount {
  int64_t forward = 0;  ///< a forward pass
  // The gradient with respect to the images, as an attack needs it:
  int64_t data = 0;             ///< alone
  int64_t masked = 0;           ///< with the backward of the ReLU before it
  int64_t masked_residual = 0;  ///< the same, with the gradient of another branch added first
  int64_t filter = 0;           ///< the gradient with respect to the parameters
};

/// The distinct convolutions of a network on one image, noted while its passes ran.
std::map<ConvShape, ConvCount> convolutions_of(const std::string& network);

/// How an engine's convolutions were chosen: library, math, plans (proposed or timed), and remarks.
Json conv_choice(Engine& engine);

}  // namespace temper::bench
