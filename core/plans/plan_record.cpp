#include "core/plans/plan_record.h"

#include "core/files/json.h"

#include "kernels/runtime/check.h"

namespace temper {

std::string PlanRecord::text() const {
  return nlohmann::ordered_json{{"engine", engine}, {"checked", checked}, {"wrong", wrong}, {"plan", plan}}.dump();
}

PlanRecord PlanRecord::from(const std::string& text) {
  try {
    const auto j = parse_json(text);
    return {.plan = j.at("plan").get<std::string>(),
            .engine = j.at("engine").get<std::string>(),
            .checked = j.at("checked").get<bool>(),
            .wrong = j.at("wrong").get<std::vector<std::string>>()};
  } catch (const nlohmann::json::exception& e) {
    fail("it holds no record of a plan: ", e.what());
  }
}

}  // namespace temper
