// Ten steps of every method against tests/golden/golden_training.py, an independent implementation in PyTorch.
#include "attacks/pgd.h"
#include "nn/weights.h"
#include "tests/fixtures/golden_fixture.h"
#include "trainers/optimizers/sgd.h"
#include "trainers/optimizers/weight_optimizer.h"

using namespace temper;
using test::Closeness;
using test::difference;
using test::Golden;
using test::kGoldenBatch;
using test::kGoldenSteps;
using test::to_double;
using test::World;

namespace {

struct Method {
  std::string name, yaml;
  bool in_f32 = true;  ///< see the script
};

const Method kMethods[] = {
    {"standard", "{name: standard}"},
    {"pgd_at_eval", "{name: pgd_at, attack_bn: eval, attack: {radius: 8/255, step: 2/255, steps: 5}}"},
    {"pgd_at_train", "{name: pgd_at, attack_bn: train, attack: {radius: 8/255, step: 2/255, steps: 5}}"},
    {"trades", "{name: trades, beta: 6, attack: {radius: 0.031, step: 0.007, steps: 10, start: gauss001}}", false},
    {"trades_uniform",
     "{name: trades, beta: 6, attack: {radius: 0.031, step: 0.007, steps: 10, start: uniform_unclipped}}"}};

void check_training(World& world, const Golden& golden, const Method& method, Closeness& close) {
  const std::unique_ptr<Trainer> trainer =
      test::make_trainer(test::with_steps_of_pytorch(method.yaml, world.network->options().dtype));
  Network& network = *world.network;
  const Sgd rule({.lr = 0.05, .momentum = 0.9, .weight_decay = 5e-4});
  WeightOptimizer sgd(network.weights().params, rule, world.engine.stream());
  sgd.prepare(rule.lr);
  ParamBuffer gradients(network.params(), network.options().dtype, world.engine.stream());
  const GradientBuffer buffers[] = {{network.weights().params, gradients}};
  TrainContext context{world.engine, network};
  trainer->begin(context);
  std::vector<double> losses;
  for (context.step = 0; context.step < kGoldenSteps; ++context.step) {
    const Arena::Scope scope(world.engine.arena());
    const Batch batch = world.batch(context.step);
    context.epoch = context.step + 1;
    losses.push_back(trainer->gradients(context, batch, buffers));
    sgd.step(world.engine.stream(), gradients);
    trainer->after_step(context, batch);
  }
  close.check(difference(losses, golden.get<double>(method.name + "/losses")));
  int compared = 0;
  for (const NamedArray& a : export_weights(network)) {
    INFO(a.name);
    const std::vector<double> want = golden.get<double>(method.name + "/final/" + a.name);
    close.check(difference(to_double(a.bytes.data(), a.dtype, a.numel()), want));
    ++compared;
  }
  CHECK(compared == 17);  // three convolutions, three BatchNorms of four arrays, a linear layer of two
}

void check_attack(World& world, const Golden& golden, const Method& method, Closeness& close) {
  const Batch batch = world.batch(0);
  const bool is_trades = method.name.starts_with("trades");
  PgdOptions options{.steps = 5};
  if (is_trades)
    options = {.radius = 0.031,
               .step = 0.007,
               .steps = 10,
               .start = method.name == "trades" ? Pgd::Start::gauss001 : Pgd::Start::uniform_unclipped};
  Pass pass = Pass::eval();
  if (method.name == "pgd_at_train") pass.bn = BnStats::batch;
  const Var clean{world.network->predict(world.engine, batch.images, pass)};
  const AttackCall call{world.engine, batch, {*world.network, pass}, RngStream(world.engine.seed(), 1)};
  const Objective objective = [&](Tape& t, const AttackView& at) {
    return is_trades ? kl_divergence(t, at.logits, {at.of(clean.value)}, Reduction::none)
                     : cross_entropy(t, at.logits, at.batch.labels, Reduction::none);
  };
  const Tensor x = Pgd(options).run(call, objective).images;
  close.check(difference(test::numbers_of(world.engine, x), golden.get<double>(method.name + "/x_adv")));
}

void check_methods(DType dtype, Device device, Closeness close) {
  const Golden golden("golden_training");
  for (const Method& method : kMethods) {
    if (dtype == DType::f32 && !method.in_f32) continue;
    INFO(method.name);
    World training(golden, dtype, device);
    check_training(training, golden, method, close);
    if (method.name != "standard") {
      World attack(golden, dtype, device);
      check_attack(attack, golden, method, close);
    }
    close.end_run();
  }
  close.end();
}

}  // namespace

TEST_CASE("training follows the PyTorch script in f64", "[golden]") {
  check_methods(DType::f64, Device::cpu, Closeness(1e-9));
}

TEMPER_DEVICE_TEST("training follows the PyTorch script in f32", "[trainers][golden]") {
  check_methods(DType::f32, device, Closeness::f32(device));
}

TEST_CASE("random starts have the bits of the NumPy generator", "[golden][rng]") {
  const Golden golden("golden_training");
  const std::vector<int32_t> ids = golden.get<int32_t>("ids");
  const std::vector<float> uniform = golden.get<float>("noise/uniform"), normal = golden.get<float>("noise/normal");
  const RngKey key{.seed = 11, .stream_id = RngStreamId::attack, .step = 1};
  const size_t elements = uniform.size() / kGoldenBatch;
  for (size_t i = 0; i < uniform.size(); ++i) {
    const uint32_t id = ids[i / elements], element = i % elements;
    REQUIRE(uniform[i] == 2 * random_uniform(key, id, element) - 1);
    REQUIRE(normal[i] == random_normal(key, id, element));
  }
}
