// Temper inside another program: adversarial training of a small network on the shipped images, step by step.
#include <temper/attacks/pgd.h>
#include <temper/data/loader.h>
#include <temper/evaluation/robust_accuracy.h>
#include <temper/trainers/optimizers/sgd.h>
#include <temper/trainers/optimizers/weight_optimizer.h>
#include <temper/trainers/trainer.h>

#include <cstdio>
#include <numeric>

using namespace temper;

int main() try {
  constexpr int kSteps = 40;
  Engine engine({.seed = 1});

  // Everything with a name is made from its registry and configured like a section of a YAML file.
  const auto reader = Registry<DatasetReader>::instance().make("fashion_mnist_small");
  const ImageSet images = reader->train();
  Loader train(engine, images, {.batch_size = 64, .shuffle = Shuffle::every_epoch});
  std::vector<int64_t> first(200);
  std::iota(first.begin(), first.end(), 0);
  Loader test(engine, reader->test().subset(first), {.batch_size = 100});

  const DataShape shape{images.height, images.width, images.channels, images.classes};
  const auto architecture = Registry<Architecture>::instance().make("small_cnn");
  Network model(engine, *architecture, {.data = shape, .seed = 1});

  const Config config = parse_config("attack: {radius: 0.1, step: 0.025, steps: 7}");
  const auto method = Registry<Trainer>::instance().make("pgd_at");
  Fields fields(config);
  method->fields(fields);
  fields.finish();

  const Sgd sgd({.lr = 0.05});
  WeightOptimizer optimizer(model.weights().params, sgd, engine.stream());
  ParamBuffer gradient(model.params(), DType::f32, engine.stream());
  const GradientBuffer gradients[] = {{model.weights().params, gradient}};
  TrainContext context{.engine = engine, .model = model, .epoch = 1};
  method->begin(context);
  for (; context.step < kSteps; ++context.step) {
    const Arena::Scope scope(engine.arena());  // whatever this step allocates is gone at the end of it
    const Batch batch = train.load(context.epoch, context.step);
    const double loss = method->gradients(context, batch, gradients);
    optimizer.prepare(sgd.lr, context.step + 1);
    optimizer.step(engine.stream(), gradient);
    method->after_step(context, batch);
    if (context.step % 10 == 0) std::printf("step %2lld  loss %.4f\n", static_cast<long long>(context.step), loss);
  }

  const Pgd pgd20({.radius = 0.1, .step = 0.01, .steps = 20});
  const Accuracy clean = evaluate(engine, model, Pass::eval(), test, nullptr);
  const Accuracy robust = evaluate(engine, model, Pass::eval(), test, &pgd20);
  std::printf("accuracy on %lld images: clean %.1f %%, under PGD-20 %.1f %%\n", static_cast<long long>(clean.total),
              clean.percent(), robust.percent());
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
