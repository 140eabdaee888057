#pragma once
// A method of tests/extension on a little network in f64, for tests that work out its loss and gradient in plain loops.
#include "attacks/pgd.h"
#include "tests/fixtures/golden_fixture.h"
#include "tests/fixtures/networks.h"

namespace temper::test {

struct MethodInF64 {
  static constexpr int64_t kSamples = 6;
  Engine engine{{.compute = DType::f64, .arena_mb = 64, .seed = 3, .reference_conv = true}};
  std::unique_ptr<Network> net = network(engine, "{name: small_cnn, widths: [4, 4], strides: [1, 2]}",
                                         {.data = {.height = 8, .width = 8, .classes = 4}, .dtype = DType::f64});
  Batch batch{.images = images(engine, kSamples, net->options().data),
              .labels = labels_of(engine, {0, 1, 2, 3, 0, 1}),
              .ids = labels_of(engine, {0, 1, 2, 3, 4, 5})};
  ParamBuffer gradient{net->params(), DType::f64, engine.stream()};

  ParamBuffer& params() { return net->weights().params; }
  /// The loss of a method's first step; its gradient goes to `gradient`.
  double step(const std::string& yaml) {
    const std::unique_ptr<Trainer> method = make_trainer(yaml);
    TrainContext context{.engine = engine, .model = *net, .epoch = 1};
    method->begin(context);
    const GradientBuffer into[] = {{params(), gradient}};
    return method->gradients(context, batch, into);
  }
  /// What the method's attack finds in that step.
  Tensor attacked(const PgdOptions& options, const Pass& pass) {
    const Classifier classifier(*net, pass);
    return Pgd(options).run({engine, batch, classifier, RngStream(engine.seed(), 1)}).images;
  }
};

}  // namespace temper::test
