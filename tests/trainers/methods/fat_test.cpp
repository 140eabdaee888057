#include "tests/fixtures/devices.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

namespace {

/// The losses of the first steps with patience: so many epochs are over.
std::vector<double> losses(const std::string& trainer, Device device, int64_t steps = 3) {
  Experiment e = test::tiny(trainer, test::on(device));
  return test::first_steps(e, steps).losses;
}
std::string fat(const std::string& milestones, const std::string& more = "noise: 0") {
  return "{name: fat, attack: {radius: 0.3, step: 0.1, steps: 3}, milestones: " + milestones + ", " + more + "}";
}

}  // namespace

TEMPER_DEVICE_TEST("fat: with more patience than steps it is PGD adversarial training", "[extension][trainers]") {
  CHECK(losses(fat("[0, 0, 0, 0]"), device) ==
        losses("{name: pgd_at, attack_bn: eval, attack: {radius: 0.3, step: 0.1, steps: 3}}", device));
}

TEMPER_DEVICE_TEST("fat: less patience makes friendlier images", "[extension][trainers]") {
  double before = 0;
  for (const char* over : {"[]", "[0]", "[0, 0, 0, 0]"}) {
    const double loss = losses(fat(over), device, 1)[0];
    CHECK(loss > before);
    before = loss;
  }
  CHECK(losses(fat("[]", "noise: 0.1"), device, 1)[0] != losses(fat("[]"), device, 1)[0]);
}
