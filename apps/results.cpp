#include "apps/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "core/config/json.h"
#include "core/files/file.h"
#include "core/files/folders.h"
#include "data/published/fingerprint_json.h"
#include "evaluation/report/parts.h"
#include "evaluation/report/result_table.h"

namespace temper {

using nlohmann::ordered_json;

const TestRow* nrr_row(const std::vector<TestRow>& rows) {
  const TestRow* found = nullptr;
  for (const TestRow& row : rows) {
    if (row.label == "cw") return &row;
    if (row.label != "clean" && (!found || row.accuracy.correct < found->accuracy.correct)) found = &row;
  }
  return found;
}

std::string doubt_of(const TestRow& row) {
  return report::zero_gradient_text(row.accuracy.zero_gradient, row.accuracy.zero_gradient_right, row.accuracy.total);
}

ordered_json results_json(const Results& r) {
  ordered_json j = {{"method", r.method},
                    {"model", r.model},
                    {"data", r.data},
                    {"device", r.device},
                    {"precision", r.precision},
                    {"normalisation", {{"mean", r.mean}, {"std", r.std}}},
                    {"weights", r.weights},
                    {"weights_fingerprint", r.weights_fingerprint},
                    {"images_test", r.images_test},
                    {"test", to_json(r.test)}};
  if (r.part) j["sample"] = {{"of", r.part->of}, {"seed", r.part->seed}};
  for (const TestRow& row : r.rows) {
    ordered_json& out = j["rows"].emplace_back(ordered_json{{"label", row.label}, {"description", row.description}});
    if (row.settings.is_section()) out["attack"] = to_json(row.settings);
    out.update({{"correct", row.accuracy.correct},
                {"total", row.accuracy.total},
                {"percent", row.accuracy.percent()},
                {"zero_gradient", row.accuracy.zero_gradient},
                {"zero_gradient_right", row.accuracy.zero_gradient_right},
                {"seconds", row.seconds}});
  }
  if (const TestRow* worst = nrr_row(r.rows)) {
    j["nrr"] = natural_robust_ratio(r.rows.front().accuracy.percent(), worst->accuracy.percent());
    j["nrr_attack"] = worst->label;
  }
  return j;
}

ordered_json examples_json(const Results& r) {
  ordered_json j = {{"attack", r.example_attack}, {"gain", r.examples.gain}, {"images", ordered_json::array()}};
  for (const ReportExample& e : r.examples.images)
    j["images"].push_back({{"truth", e.truth},
                           {"clean_label", e.clean_label},
                           {"attacked_label", e.attacked_label},
                           {"clean_confidence", e.clean_confidence},
                           {"attacked_confidence", e.attacked_confidence},
                           {"clean", e.clean},
                           {"attacked", e.attacked},
                           {"difference", e.difference}});
  return j;
}

void print_results(Session& session, const Results& r) {
  const auto bold = [&](const std::string& text) { return ink(session.terminal, Ink::bold, text); };
  session.out << bold(fmt::format("{} on {} ({}), {}", r.method.empty() ? r.model : r.method, r.data, r.weights,
                                  report::test_images_text(r.images_test, r.part)))
              << "\n";
  for (const TestRow& row : r.rows) {
    const std::string label = report::shown(row.label);
    session.out << fmt::format("  {:<16} {} %  {:>14}  {:>10}\n", label,
                               bold(fmt::format("{:6.2f}", row.accuracy.percent())),
                               report::grouped(row.accuracy.correct) + " of " + report::grouped(row.accuracy.total),
                               report::duration(row.seconds));
    const auto width = static_cast<size_t>(std::max(40, session.terminal.columns() - 6));
    if (row.label != "clean")
      session.out << "      " << ink(session.terminal, Ink::soft, wrapped(row.description, width, 6)) << "\n";
    if (const std::string doubt = doubt_of(row); !doubt.empty())
      session.out << "      " << ink(session.terminal, Ink::red, wrapped("warning: " + doubt, width, 6)) << "\n";
  }
  if (const TestRow* worst = nrr_row(r.rows))
    session.out << fmt::format("  {:<16} {}    natural-robust ratio, with {}\n", "NRR",
                               bold(fmt::format("{:6.2f}", natural_robust_ratio(r.rows.front().accuracy.percent(),
                                                                                worst->accuracy.percent()))),
                               report::shown(worst->label));
  session.out << ink(session.terminal, Ink::soft,
                     fmt::format("  fingerprints: images {}, labels {}, weights {}", r.test.images, r.test.labels,
                                 r.weights_fingerprint))
              << "\n"
              << std::flush;
}

std::string json_text(const ordered_json& json) {
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

void write_text(const std::string& file, const std::string& text) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  if (!folder.empty()) make_folder(folder);
  write_text_atomically(file, text);
}

}  // namespace temper
