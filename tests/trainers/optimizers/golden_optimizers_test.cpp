// Optimisers against tests/golden/golden_optimizers.py, which runs torch.optim.
#include "core/square_norm.h"
#include "tests/fixtures/golden_fixture.h"
#include "trainers/optimizers/weight_optimizer.h"

using namespace temper;

namespace {

constexpr int kSteps = 8;

struct Case {
  std::string name, yaml;
};

const Case kCases[] = {
    {"sgd", "{lr: 0.1, weight_decay: 0.05}"},
    {"nesterov", "{lr: 0.1, weight_decay: 0.05, nesterov: true}"},
    {"sgd_groups",
     "{lr: 0.1, weight_decay: 0.05, groups: [{parameters: [conv.bias], lr_factor: 3, weight_decay_factor: 0.5}]}"},
    {"sgd_clip_value", "{clip: {value: 0.1}}"},
    {"adam", "{name: adam}"},
    {"adam_decay", "{name: adam, lr: 0.01, beta1: 0.8, beta2: 0.99, eps: 1e-3, weight_decay: 0.1}"},
    {"adam_clip_norm", "{name: adam, lr: 0.01, eps: 0.1, clip: {norm: 0.5}}"},
    {"adamw", "{name: adamw}"},
    {"adamw_groups",
     "{name: adamw, lr: 0.01, weight_decay: 0.1, groups: [{parameters: ['*.bias'], lr_factor: 3, weight_decay_factor: "
     "0.5}]}"},
    {"adamw_clip_norm", "{name: adamw, lr: 0.01, eps: 0.1, clip: {norm: 100}}"}};

void wave(ParamBuffer& buffer, double scale, int shift) {
  for (int i = 0; i < buffer.layout().count(); ++i) {
    std::vector<double> v(buffer.layout()[i].shape.numel());
    for (size_t e = 0; e < v.size(); ++e) v[e] = scale * std::sin(0.7 * static_cast<double>(e) + shift + i);
    buffer.write(i, v);
  }
}

}  // namespace

TEMPER_DEVICE_TEST("optimizers: eight steps are PyTorch's, with groups and clipping", "[optimizer][golden]") {
  const test::Golden golden("golden_optimizers");
  Engine engine({.device = device, .arena_mb = 4});
  ParamLayout layout;
  layout.add("conv.weight", {5, 3}, nullptr);
  layout.add("conv.bias", {5}, nullptr);
  layout.add("fc.weight", {2, 70}, nullptr);
  for (const Case& c : kCases)
    for (const DType dtype : {DType::f64, DType::f32}) {
      CAPTURE(c.name, dtype);
      const Config config = parse_config("optimizer: " + c.yaml);
      Fields f(config);
      OptimizerSection section;
      section.read(f);
      ParamBuffer w(layout, dtype, engine.stream()), gradient(layout, dtype, engine.stream());
      wave(w, 1, 0);
      WeightOptimizer optimizer(w, *section.rule, engine.stream(), section.options);
      for (int step = 0; step < kSteps; ++step) {
        const Arena::Scope scope(engine.arena());
        wave(gradient, 0.3, step);
        const Tensor sum = engine.arena().tensor({1}, dtype);
        square_norm(engine, gradient, sum);
        optimizer.prepare(section.rule->lr / (step + 1), step + 1);
        optimizer.clip(engine.stream(), gradient, sum);
        optimizer.step(engine.stream(), gradient);
      }
      for (int i = 0; i < layout.count(); ++i)
        CHECK(test::difference(w.read(i), golden.get<double>(c.name + "/" + layout[i].name)) <
              (dtype == DType::f64 ? 1e-12 : 2e-5));
    }
}
