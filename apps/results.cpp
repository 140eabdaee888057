#include "apps/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "core/text.h"
#include "workflows/report/parts.h"

namespace temper {

void print_results(Session& session, const Evaluation& r) {
  const auto bold = [&](const std::string& text) { return ink(session.terminal, Ink::bold, text); };
  session.out << bold(fmt::format("{} on {} ({}), {}", r.method.empty() ? r.model : r.method, r.data, r.weights,
                                  report::test_images_text(r.images_test, r.part)))
              << "\n";
  for (const EvaluationRow& row : r.rows) {
    session.out << fmt::format("  {:<16} {} %  {:>14}  {:>10}\n", report::shown(row.label),
                               bold(fmt::format("{:6.2f}", row.percent)),
                               grouped(row.correct) + " of " + grouped(row.total), duration(row.seconds));
    const auto width = static_cast<size_t>(std::max(40, session.terminal.columns() - 6));
    if (row.label != "clean")
      session.out << "      " << ink(session.terminal, Ink::soft, wrapped(row.description, width, 6)) << "\n";
    if (const std::string doubt = report::doubt_of(row); !doubt.empty())
      session.out << "      " << ink(session.terminal, Ink::red, wrapped("warning: " + doubt, width, 6)) << "\n";
  }
  if (!r.nrr_attack.empty())
    session.out << fmt::format("  {:<16} {}    natural-robust ratio, with {}\n", "NRR",
                               bold(fmt::format("{:6.2f}", r.nrr)), report::shown(r.nrr_attack));
  session.out << ink(session.terminal, Ink::soft,
                     fmt::format("  fingerprints: images {}, labels {}, weights {}", r.test.images, r.test.labels,
                                 r.weights_fingerprint))
              << "\n"
              << std::flush;
}

}  // namespace temper
