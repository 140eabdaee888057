#pragma once
#include <map>
#include <string>
#include <vector>

#include "bench/result.h"
#include "core/convolution/conv.h"
#include "core/engine.h"
#include "nn/module.h"

namespace temper::bench {

/// The `model` section for a network's name: one of `temper list`, wide_resnetDEPTH_WIDTH, or quickstart, the network
/// of configs/quickstart.
std::string model_section(const std::string& network);

/// The images that a network is measured on: Fashion-MNIST's shape for quickstart, else CIFAR-10's.
DataShape data_shape(const std::string& network);

/// One layer's convolutions, by how often one pass over the network runs each kind.
struct ConvCount {
  int64_t forward = 0;  ///< a forward pass
  // The gradient with respect to the images, as an attack wants it:
  int64_t data = 0;             ///< by itself
  int64_t masked = 0;           ///< with the gradient of the ReLU before it
  int64_t masked_residual = 0;  ///< and added to another branch's before that
  int64_t filter = 0;           ///< the gradient with respect to the parameters
};

/// The distinct convolutions of a network on one image, as its own passes ran them.
std::map<ConvShape, ConvCount> convolutions_of(const std::string& network);

/// How an engine's convolutions were chosen: library, math, plans (proposed or timed), and what is worth telling of it.
Json conv_choice(Engine& engine);

/// The extents that ranges of convolutions carry.
ConvShape conv_of(const std::vector<int64_t>& extents);

}  // namespace temper::bench
