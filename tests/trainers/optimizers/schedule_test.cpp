#include <cmath>

#include "tests/fixtures/catch.h"
#include "trainers/optimizers/schedule.h"

using namespace temper;

namespace {
std::unique_ptr<Schedule> schedule(const std::string& yaml) {
  const Config config = parse_config("schedule:\n" + yaml, "s.yaml");
  Fields f(config);
  std::string name = "constant";
  auto made = Registry<Schedule>::instance().read(f, "schedule", name);
  f.finish();
  return made;
}
double at(const Schedule& s, int64_t epoch, int64_t epochs, int64_t step = 0, int64_t steps = 10, double base = 0.1) {
  return s.rate(base, {.epoch = epoch, .step = step, .steps_per_epoch = steps, .epochs = epochs});
}
}  // namespace

TEST_CASE("schedule: constant and steps follow the papers' epochs") {
  CHECK(at(*schedule("  name: constant\n"), 57, 76) == 0.1);
  const auto trades = schedule("  {name: steps, milestones: [75, 90, 100], factor: 0.1}\n");
  CHECK(at(*trades, 1, 76) == 0.1);
  CHECK(at(*trades, 74, 76, 9) == 0.1);
  CHECK(at(*trades, 75, 76) == Approx(0.01));
  CHECK(at(*trades, 76, 76) == Approx(0.01));
  CHECK(at(*trades, 100, 100) == Approx(1e-4));
}

TEST_CASE("schedule: ARAT's table, epoch by epoch") {
  const auto s = schedule("  {name: piecewise, epochs: [1, 2, 77, 92], rates: [0.02, 0.1, 0.01, 0.001]}\n");
  for (int64_t e = 1; e <= 100; ++e) {
    const double expected = e == 1 ? 0.02 : e <= 76 ? 0.1 : e <= 91 ? 0.01 : 0.001;
    CHECK(at(*s, e, 100) == expected);
  }
}

TEST_CASE("schedule: Rice's drops come with the last step of each part") {
  const auto s = schedule("  {name: fractions}\n");
  CHECK(at(*s, 1, 200) == 0.1);
  CHECK(at(*s, 100, 200, 8) == 0.1);
  CHECK(at(*s, 100, 200, 9) == Approx(0.01));
  CHECK(at(*s, 150, 200, 8) == Approx(0.01));
  CHECK(at(*s, 150, 200, 9) == Approx(0.001));
  CHECK(at(*s, 200, 200, 9) == Approx(0.001));
  const auto linear = schedule("  {name: fractions, at: [0, 0.4, 1], factors: [0, 1, 0], between: linear}\n");
  CHECK(at(*linear, 1, 10, 9) == Approx(0.1 * 0.25));
  CHECK(at(*linear, 4, 10, 9) == Approx(0.1));
  CHECK(at(*linear, 7, 10, 9) == Approx(0.05));
  CHECK(at(*linear, 10, 10, 9) == Approx(0).margin(1e-12));
}

TEST_CASE("schedule: cosine and one_cycle against hand-computed values") {
  const auto s = schedule("  {name: cosine, warm_up: 2, per: iteration}\n");
  CHECK(at(*s, 1, 10, 0) == Approx(0.1 * 0.05));
  CHECK(at(*s, 2, 10, 9) == Approx(0.1));
  CHECK(at(*s, 3, 10, 0) == Approx(0.1));
  CHECK(at(*s, 7, 10, 0) == Approx(0.05));
  const auto per_epoch = schedule("  {name: cosine, per: epoch, last: 0.02}\n");
  CHECK(at(*per_epoch, 1, 4, 9) == 0.1);
  CHECK(at(*per_epoch, 3, 4, 3) == Approx(0.06));
  // torch.optim.lr_scheduler.OneCycleLR(max_lr=0.1, total_steps=100), steps 0, 10, 29, 30, 64, 99.
  const auto cycle = schedule("  {name: one_cycle}\n");
  const double expected[][2] = {{0, 0.004}, {10, 0.029516395}, {29, 0.1}, {30, 0.0999497}, {64, 0.05}, {99, 4e-7}};
  for (const auto& [step, rate] : expected)
    CHECK(at(*cycle, 1 + static_cast<int64_t>(step) / 10, 10, static_cast<int64_t>(step) % 10) ==
          Approx(rate).epsilon(1e-5));
  // The same with total_steps=40 and pct_start=0.25, stepped after each of 40 epochs; epochs 1, 6, 10, 11, 26, 40.
  const auto slow = schedule("  {name: one_cycle, rise: 0.25, per: epoch}\n");
  const double of_epoch[][2] = {{1, 0.004},         {6, 0.060335113},   {10, 0.1},
                                {11, 0.0997260959}, {26, 0.0447737977}, {40, 4e-7}};
  for (const auto& [epoch, rate] : of_epoch)
    for (const int64_t step : {0, 9})
      CHECK(at(*slow, static_cast<int64_t>(epoch), 40, step) == Approx(rate).epsilon(1e-5));
}

TEST_CASE("schedule: triangle against PyTorch's CyclicLR and numpy's interp") {
  // CyclicLR(base_lr=0, max_lr=0.1, step_size_up=50, step_size_down=50), steps 0, 10, 50, 75, 99.
  const auto cyclic = schedule("  {name: triangle}\n");
  const double expected[][2] = {{0, 0}, {10, 0.02}, {50, 0.1}, {75, 0.05}, {99, 0.002}};
  for (const auto& [step, rate] : expected)
    CHECK(at(*cyclic, 1 + static_cast<int64_t>(step) / 10, 10, static_cast<int64_t>(step) % 10) == Approx(rate));
  // np.interp((step + 1) / 10, [0, 4, 10], [0, 0.1, 0]).
  const auto last = schedule("  {name: triangle, rise: 0.4, zero: last}\n");
  CHECK(at(*last, 1, 10, 0) == Approx(0.0025));
  CHECK(at(*last, 4, 10, 9) == Approx(0.1));
  CHECK(at(*last, 7, 10, 9) == Approx(0.05));
  CHECK(at(*last, 10, 10, 9) == 0);
}

TEST_CASE("schedule: wrong fields say what is expected") {
  CHECK_THROWS_WITH(schedule("  {name: stepz}\n"), ContainsSubstring("unknown name 'stepz'; did you mean 'steps'?"));
  CHECK_THROWS_WITH(schedule("  {name: steps, milestones: [90, 75]}\n"),
                    ContainsSubstring("schedule.milestones: expected rising values"));
  CHECK_THROWS_WITH(schedule("  {name: piecewise, epochs: [1, 2], rates: [0.1]}\n"),
                    ContainsSubstring("expected as many values as epochs has entries"));
  CHECK_THROWS_WITH(schedule("  {name: piecewise, epochs: [2], rates: [0.1]}\n"),
                    ContainsSubstring("expected 1 as the first entry, got 2"));
  CHECK_THROWS_WITH(schedule("  {name: one_cycle, rise: 1}\n"),
                    ContainsSubstring("schedule.rise: expected more than 0 and below 1, got 1"));
  CHECK_THROWS_WITH(schedule("  {name: cosine, warm_up: -1}\n"),
                    ContainsSubstring("schedule.warm_up: expected 0 or more, got -1"));
}
