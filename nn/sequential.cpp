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
    f("type", type, "which layer; see `temper list layers`");
    const auto& known = Registry<LayerSpec>::instance();
    if (!f.has("type")) f.reject("type", "expected which layer it is (known: ", join(known.names()), ")");
    if (!known.has(type))
      f.reject("type", "unknown layer '", type, "'", did_you_mean(type, known.names()),
               " (known: ", join(known.names()), ")");
    f("name", name, "of its parameters; default: its number in the list, from 0");
    spec = known.make(type);
    spec->fields(f);
    for (const char* key : spec->required())
      if (!f.has(key)) f.reject(key, "expected a value, which a ", type, " layer needs");
  }
};

struct Sequential : Architecture {
  std::vector<Layer> layers;

  void fields(Fields& f) override {
    f.list("layers", layers, "the layers in order, each with a type; `temper list layers`");
  }

  std::unique_ptr<Module> build(const Builder& b, const DataShape& data) const override {
    auto chain = std::make_unique<Chain>();
    Shape shape{data.height, data.width, data.channels};
    for (size_t i = 0; i < layers.size(); ++i) {
      try {
        std::unique_ptr<Module> module = layers[i].spec->build(b, name_of(i), shape);
        auto* activated = dynamic_cast<ActivatedLayer*>(module.get());
        if (activated && i + 1 < layers.size() && layers[i + 1].type == "relu") {
          activated->activation = Activation::relu;
          ++i;  // the pair gives what the ReLU gives, and is tapped under its name
        }
        chain->add(b.full(name_of(i)), std::move(module));
      } catch (const Error& e) {
        fail(layers[i].place, layers[i].type, " '", name_of(i), "': ", e.what());
      }
    }
    TEMPER_CHECK(shape == Shape{data.classes}, layers.empty() ? "model.layers: " : layers.back().place,
                 "the last layer gives ", shape, ", but the data has ", data.classes,
                 " classes; end with a linear layer with out: ", data.classes);
    return chain;
  }

 private:
  std::string name_of(size_t i) const { return layers[i].name.empty() ? std::to_string(i) : layers[i].name; }
};
TEMPER_REGISTER(Architecture, Sequential, "sequential", "layers listed one by one in the configuration");

}  // namespace
}  // namespace temper
