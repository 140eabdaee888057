#include "tests/fixtures/catch.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

TEST_CASE("lion: every weight of a run moves by the learning rate, and training gets somewhere", "[extension]") {
  Experiment e = test::tiny(test::kPgdAt, {"optimizer={name: lion, lr: 0.002}", "schedule={name: constant}"});
  TrainingState s(e, read_splits(e));
  const auto before = test::arrays_of(s.network->weights().params);
  const double first = train_step(s, "none").loss;
  const auto after = test::arrays_of(s.network->weights().params);
  for (size_t i = 0; i < after.size(); ++i)
    for (size_t k = 0; k < after[i].size(); ++k)
      CHECK((after[i][k] == before[i][k] || std::abs(after[i][k] - before[i][k]) == Approx(0.002).epsilon(1e-3)));
  CHECK(after != before);
  const test::Trace trace = test::first_steps(e, 18);
  CHECK(trace.losses.back() < first);
}
