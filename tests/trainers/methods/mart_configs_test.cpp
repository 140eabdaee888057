// The configurations of MART and FAT have the rates, weights and settings of the official codes, epoch by epoch.
#include "source_dir.h"
#include "tests/fixtures/catch.h"
#include "trainers/experiment.h"

using namespace temper;

namespace {

Experiment experiment(const std::string& name) {
  return read_experiment(load_config(TEMPER_SOURCE_DIR "/configs/cifar10/" + name + ".yaml"));
}

/// The rate in every epoch: `first` times the factor of the last drop that an epoch has reached.
struct Drop {
  int64_t epoch;
  double factor;
};
void check_rates(const Experiment& e, double first, const std::vector<Drop>& drops) {
  for (int64_t epoch = 1; epoch <= e.loop.epochs; ++epoch) {
    double want = first;
    for (const Drop& d : drops)
      if (epoch >= d.epoch) want = first * d.factor;
    INFO("epoch " << epoch);
    CHECK(e.schedule.schedule->rate(e.optimizer.rule->lr,
                                    {.epoch = epoch, .steps_per_epoch = 391, .epochs = e.loop.epochs}) ==
          Approx(want).epsilon(1e-12));
  }
}
double number(const Experiment& e, const char* section, const char* key) {
  return parse_number(e.resolved[section][key].text());
}

}  // namespace

TEST_CASE("configs: MART's have the rates, decay and weights of its code", "[mart]") {
  const std::vector<Drop> drops = {{75, 0.1}, {90, 0.01}, {100, 0.001}};
  const Experiment small = experiment("mart_resnet18"), wide = experiment("mart_wide_resnet34_10");
  CHECK((small.loop.epochs == 120 && wide.loop.epochs == 90));
  check_rates(small, 0.01, drops);
  check_rates(wide, 0.1, drops);
  CHECK(number(small, "optimizer", "weight_decay") == 3.5e-3);
  CHECK(number(wide, "optimizer", "weight_decay") == 7e-4);
  CHECK(number(small, "trainer", "beta") == 5);
  CHECK(number(wide, "trainer", "beta") == 6);
}

TEST_CASE("configs: FAT's have the rates of its three codes", "[fat]") {
  for (const std::string network : {"_resnet18", "_wide_resnet34_10"}) {
    INFO(network);
    const Experiment at = experiment("fat" + network), trades = experiment("fat_trades" + network),
                     mart = experiment("fat_mart" + network);
    CHECK((at.loop.epochs == 120 && trades.loop.epochs == 85 && mart.loop.epochs == 90));
    check_rates(at, 0.1, {{60, 0.1}, {90, 0.01}, {110, 0.005}});
    check_rates(trades, 0.1, {{75, 0.1}});
    check_rates(mart, 0.1, {{60, 0.1}, {90, 0.01}});
    for (const Experiment* e : {&at, &trades, &mart}) CHECK(number(*e, "optimizer", "weight_decay") == 2e-4);
  }
}
