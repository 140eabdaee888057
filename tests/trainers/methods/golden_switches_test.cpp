// Ten steps under each switch of standard, PGD-AT and TRADES, with averages beside them, against
// tests/golden/golden_switches.py, an independent implementation in PyTorch.
#include "tests/fixtures/golden_fixture.h"
#include "trainers/optimizers/averages.h"
#include "trainers/optimizers/sgd.h"
#include "trainers/optimizers/weight_optimizer.h"

using namespace temper;
using test::Closeness;
using test::difference;
using test::Golden;

namespace {

struct Setting {
  std::string name, yaml;
  bool ema_warm_up = true;
};

std::string pgd_at(const std::string& attack, const std::string& options) {
  return "{name: pgd_at, attack: {gradient: pytorch, radius: 8/255, steps: 5, " + attack + "}, " + options + "}";
}
std::string trades(const std::string& attack, const std::string& options) {
  return "{name: trades, attack: {gradient: pytorch, steps: 10, start: uniform_unclipped, " + attack + "}, " + options +
         "}";
}

const std::string kStep = "step: 2/255", kSmall = "radius: 0.031, step: 0.007";
const std::string kL2 =
    "{name: pgd_at, attack_bn: eval, attack: {gradient: pytorch, norm: l2, radius: 0.5, step: 0.15, steps: 5";

const Setting kSettings[] = {
    {"standard_smoothing", "{name: standard, label_smoothing: 0.125}"},
    {"smoothing", pgd_at(kStep, "attack_bn: train_no_update, label_smoothing: 0.25"), false},
    {"rice", pgd_at(kStep, "attack_bn: train, score_pass: always, clean_pass: train")},
    {"rice_restarts", pgd_at(kStep + ", restarts: 2", "attack_bn: train, score_pass: always, clean_pass: train")},
    {"any_success", pgd_at("step: 0.5/255, restarts: 2, restart_rule: any_success", "attack_bn: eval")},
    {"best_point", pgd_at("step: 6/255, return: best_loss", "attack_bn: train")},
    {"l2", kL2 + ", start: none}}"},
    {"l2_random", kL2 + "}}"},
    {"margin", pgd_at(kStep + ", loss: margin", "attack_bn: train")},
    {"momentum", pgd_at(kStep + ", momentum: 1", "attack_bn: eval")},
    {"trades_code", trades(kSmall, "clean_updates: 2")},
    {"trades_one_side", trades(kSmall, "kl_gradient: adversarial_only")},
    {"trades_train", trades(kSmall, "attack_bn: train")},
    {"trades_no_update", trades(kSmall, "attack_bn: train_no_update, beta: 1")},
    {"trades_l2", trades("norm: l2, radius: 0.5, step: 0.1, l2_order: box_first", "attack_bn: train")}};

void check_weights(const Golden& golden, const std::string& prefix, const Weights& weights, Closeness& close) {
  int compared = 0;
  for (const NamedArray& a : export_weights(weights)) {
    INFO(prefix << a.name);
    close.check(difference(test::to_double(a.bytes.data(), a.dtype, a.numel()), golden.get<double>(prefix + a.name)));
    ++compared;
  }
  CHECK(compared == 17);  // three convolutions, three BatchNorms of four arrays, a linear layer of two
}

void check_setting(const Golden& golden, const Setting& setting, DType dtype, Device device, Closeness& close) {
  INFO(setting.name);
  static const Golden start("golden_training");
  test::World world(start, dtype, device);
  const std::unique_ptr<Trainer> trainer = test::make_trainer(setting.yaml);
  Network& network = *world.network;
  const Sgd rule({.lr = 0.05, .momentum = 0.9, .weight_decay = 5e-4});
  WeightOptimizer sgd(network.weights().params, rule, world.engine.stream());
  sgd.prepare(rule.lr);
  ParamBuffer gradients(network.params(), dtype, world.engine.stream());
  const GradientBuffer buffers[] = {{network.weights().params, gradients}};
  Average average(world.engine, network);
  TrainContext context{world.engine, network};
  trainer->begin(context);
  std::vector<double> losses;
  for (context.step = 0; context.step < test::kGoldenSteps; ++context.step) {
    const Arena::Scope scope(world.engine.arena());
    const Batch batch = world.batch(context.step);
    context.epoch = context.step + 1;
    losses.push_back(trainer->gradients(context, batch, buffers));
    sgd.step(world.engine.stream(), gradients);
    trainer->after_step(context, batch);
    const double keep = ema_keep({.decay = 0.8, .warm_up = setting.ema_warm_up}, context.step + 1);
    average.add(world.engine, network, keep, AverageBn::average);
  }
  close.check(difference(losses, golden.get<double>(setting.name + "/losses")));
  check_weights(golden, setting.name + "/final/", network.weights(), close);
  if (!golden.below(setting.name + "/ema/").empty())
    check_weights(golden, setting.name + "/ema/", average.weights(), close);
}

void check_settings(DType dtype, Device device, Closeness close) {
  const Golden golden("golden_switches");
  for (const Setting& setting : kSettings) {
    check_setting(golden, setting, dtype, device, close);
    close.end_run();
  }
  close.end();
}

}  // namespace

TEST_CASE("every switch of standard, pgd_at and trades follows the PyTorch script in f64", "[golden]") {
  check_settings(DType::f64, Device::cpu, Closeness(1e-9));
}

TEMPER_DEVICE_TEST("every switch of standard, pgd_at and trades follows the PyTorch script in f32",
                   "[trainers][golden]") {
  check_settings(DType::f32, device, Closeness::f32(device));
}
