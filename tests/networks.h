#pragma once
// Networks for tests, made from one line of configuration.
#include <memory>
#include <string>

#include "core/config/config.h"
#include "nn/module.h"
#include "tests/gradcheck.h"

namespace temper::test {

/// The architecture that `model`, such as "{name: resnet20}", describes.
inline std::unique_ptr<Architecture> architecture(const std::string& model) {
  const Config config = parse_config("model: " + model, "test.yaml");
  Fields f(config);
  std::string name;
  auto made = Registry<Architecture>::instance().read(f, "model", name);
  f.finish();
  return made;
}

inline std::unique_ptr<Network> network(Engine& engine, const std::string& model, Network::Options options = {}) {
  return std::make_unique<Network>(engine, *architecture(model), std::move(options));
}

/// (N, H, W, C) images in [0, 1]; the formula runs in (N, C, H, W) order, as PyTorch has them.
inline Tensor images(Engine& engine, int64_t n, const DataShape& d) {
  const Shape shape{n, d.height, d.width, d.channels};
  const std::vector<double> w = wave(shape.numel(), 7);
  const int64_t pixels = d.height * d.width;
  std::vector<double> v(w.size());
  for (int64_t i = 0; i < shape.numel(); ++i) {
    const int64_t c = i % d.channels, p = i / d.channels % pixels, b = i / (d.channels * pixels);
    v[i] = (w[(b * d.channels + c) * pixels + p] + 1) / 2;
  }
  return tensor_of(engine, shape, v);
}

}  // namespace temper::test
