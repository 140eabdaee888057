#pragma once
// Networks for tests, made from one line of configuration.
#include <memory>
#include <string>

#include "core/config.h"
#include "nn/module.h"

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

}  // namespace temper::test
