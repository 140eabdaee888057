// What a program does that embeds Temper: it has names and folders of its own, finds what it has registered beside what
// Temper has, trains, and catches errors by their types, whichever side throws them.
#include <temper/attacks/pgd.h>
#include <temper/attacks/settings.h>
#include <temper/data/loader.h>
#include <temper/evaluation/robust_accuracy.h>
#include <temper/nn/module.h>
#include <temper/trainers/optimizers/optimizer.h>
#include <temper/trainers/optimizers/weight_optimizer.h>
#include <temper/trainers/trainer.h>

#include <cstdio>
#include <exception>

#include "core/tensor.h"
#include "data/loader.h"

namespace {

using namespace temper;

/// An attack that throws while Temper reads its keys.
struct Picky : Attack {
  void fields(Fields&) override { fail("picky: takes no keys"); }
  AttackResult run(const AttackCall&) const override { fail("picky: attacks nothing"); }
  std::string describe() const override { return "picky"; }
};
TEMPER_REGISTER(Attack, Picky, "picky", "throws an Error of its own");

int failures = 0;
void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "expected: %s\n", what);
  ++failures;
}

template <class Expected>
bool throws(const auto& body) {
  try {
    body();
  } catch (const Expected&) {
    return true;
  } catch (...) {
  }
  return false;
}

void look_for_what_is_registered() {
  for (const char* name : {"trades", "mart", "alp", "fat", "free_at"})
    expect(Registry<Trainer>::instance().has(name), name);
  for (const char* name : {"pgd", "apgd", "picky"}) expect(Registry<Attack>::instance().has(name), name);
  for (const char* name : {"sgd", "lion"}) expect(Registry<Optimizer>::instance().has(name), name);
  const std::unique_ptr<Attack> pgd = Registry<Attack>::instance().make("pgd");
  expect(dynamic_cast<const Pgd*>(pgd.get()) != nullptr, "a Pgd from the registry is one here");
}

void throw_across() {
  expect(throws<Error>([] { parse_config("a: ["); }), "an Error of Temper's");
  expect(!throws<InternalError>([] { parse_config("a: ["); }), "a mistake of the caller's is no InternalError");
  ConfigNode section;
  section["name"] = "picky";
  expect(complete_attack_settings(section).yaml() == "name: picky", "Temper catches an Error of an extension");
  Engine engine;
  Tape tape(engine, Wrt::input);
  const Arena::Scope scope(engine.arena());
  const Tensor x = engine.arena().tensor({1}, DType::f32), into = engine.arena().tensor({1}, DType::f32);
  const Var input = tape.input(x, into);
  expect(throws<InternalError>([&] { tape.reallocate_grad(input); }), "an InternalError of Temper's");
}

double train(Engine& engine, const ImageSet& images, const char* name) {
  Loader loader(engine, images, {.batch_size = 8});
  const DataShape shape{images.height, images.width, images.channels, images.classes};
  const auto architecture = Registry<Architecture>::instance().make("small_cnn");
  Network model(engine, *architecture, {.data = shape, .seed = 1});
  const auto method = Registry<Trainer>::instance().make(name);
  const auto rule = Registry<Optimizer>::instance().make("lion");
  WeightOptimizer optimizer(model.weights().params, *rule, engine.stream());
  ParamBuffer gradient(model.params(), DType::f32, engine.stream());
  const GradientBuffer gradients[] = {{model.weights().params, gradient}};
  TrainContext context{.engine = engine, .model = model, .epoch = 1, .epochs = 1};
  method->begin(context);
  double loss = 0;
  for (; context.step < 2; ++context.step) {
    const Arena::Scope scope(engine.arena());
    const Batch batch = loader.load(context.epoch, context.step);
    loss = method->gradients(context, batch, gradients);
    optimizer.prepare(rule->lr, context.step + 1);
    optimizer.step(engine.stream(), gradient);
    method->after_step(context, batch);
  }
  const auto attack = Registry<Attack>::instance().make("apgd");
  expect(evaluate(engine, model, Pass::eval(), loader, attack.get()).total > 0, "images under an attack");
  return loss;
}

}  // namespace

__attribute__((visibility("default"))) int embed() try {
  expect(host::load().sides == 3, "the program's own data/loader.h");
  look_for_what_is_registered();
  throw_across();
  Engine engine({.seed = 1});
  const ImageSet images = Registry<DatasetReader>::instance()
                              .make("fashion_mnist_small")
                              ->train()
                              .subset({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
  for (const char* name : {"trades", "mart", "alp", "fat"})
    std::printf("%s: loss %.4f\n", name, train(engine, images, name));
  return failures > 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
