#include "core/plans/plan_record.h"

#include "kernels/runtime/check.h"
#include "tests/fixtures/catch.h"

using namespace temper;

TEST_CASE("a record of a plan survives as text", "[plans]") {
  const PlanRecord record{.plan = "{\"a\": 1}", .engine = "e12", .checked = true, .wrong = {"e1", "e3"}};
  CHECK(PlanRecord::from(record.text()) == record);
  CHECK(PlanRecord::from(PlanRecord{}.text()) == PlanRecord{});
  CHECK_THROWS_WITH(PlanRecord::from("{\"plan\": 3}"), Catch::Matchers::StartsWith("it holds no record of a plan: "));
}
