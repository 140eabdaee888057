#include "nn/sequential.h"

#include "core/text.h"
#include "nn/chain.h"

namespace temper {
namespace {

struct Layer {
  std::string type, name, place;
  std::unique_ptr<LayerSpec> spec;

  void fields(Fields& f) {
    place = f.here();
    f("type", type, "which layer");
    const auto& known = Registry<LayerSpec>::instance();
    if (!known.has(type))
      f.reject("type", "unknown layer '", type, "'", did_you_mean(type, known.names()),
               " (known: ", join(known.names()), ")");
    f("name", name, "of its parameters; default: its number in the list, from 0");
    spec = known.make(type);
    spec->fields(f);
  }
};

struct Sequential : Architecture {
  std::vector<Layer> layers;

  void fields(Fields& f) override { f.list("layers", layers, "the layers in order, each with a type"); }

  std::unique_ptr<Module> build(const Builder& b, const DataShape& data) const override {
    auto chain = std::make_unique<Chain>();
    Shape shape{data.height, data.width, data.channels};
    for (size_t i = 0; i < layers.size(); ++i) {
      const Layer& l = layers[i];
      const std::string name = l.name.empty() ? std::to_string(i) : l.name;
      try {
        chain->add(b.full(name), l.spec->build(b, name, shape));
      } catch (const Error& e) {
        fail(l.place, l.type, " '", name, "': ", e.what());
      }
    }
    TEMPER_CHECK(shape == Shape{data.classes}, layers.empty() ? "model.layers: " : layers.back().place,
                 "the last layer gives ", shape, ", but the data has ", data.classes,
                 " classes; end with a linear layer with out: ", data.classes);
    return chain;
  }
};
TEMPER_REGISTER(Architecture, Sequential, "sequential", "layers listed one by one in the configuration");

}  // namespace
}  // namespace temper
