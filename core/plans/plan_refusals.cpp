#include "core/plans/plan_refusals.h"

#include "kernels/runtime/check.h"

namespace temper {

std::string refused_text(const PlanRefusals& r, const PlanSource& source) {
  std::string why = r.proposed == 0 ? "it proposes none" : cat("of ", r.proposed, " it proposes,");
  const auto count = [&](int n, const std::string& what) {
    if (n > 0) why += cat(why.back() == ',' ? " " : ", ", n, " ", what);
  };
  count(r.wrong, "gave wrong results");
  count(r.nondeterministic, "would not repeat bit for bit");
  count(r.imprecise, "would round their operands");
  count(r.too_large, cat("need more than ", source.workspace >> 20, " MiB of work space"));
  count(r.failed, r.last_failure.empty() ? "could not be built" : cat("could not be built (", r.last_failure, ")"));
  return why;
}

}  // namespace temper
