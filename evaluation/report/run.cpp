#include "evaluation/report/run.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "attacks/settings.h"
#include "core/config/config.h"
#include "core/text.h"
#include "data/published/fingerprint_json.h"
#include "evaluation/report/files.h"

namespace temper {

namespace {

using json = nlohmann::ordered_json;
namespace fs = std::filesystem;

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
  return cells;
}

void flatten(const json& node, const std::string& path, std::vector<std::pair<std::string, std::string>>& out) {
  if (!node.is_object()) {
    out.emplace_back(path, node.is_string() ? node.get<std::string>() : node.dump());
    return;
  }
  for (const auto& [key, value] : node.items()) flatten(value, path.empty() ? key : path + "." + key, out);
}

// An attack's section as it was resolved, with the keys that are newer than the file.
FlatYaml attack_of(const json& row, const std::string& file) {
  if (!row.contains("attack")) return {};
  return flattened(complete_attack_settings(parse_config(row["attack"].dump(), file).root));
}

std::string normalisation_text(const json& j) {
  if (!j.is_object()) return "";
  return j.at("mean").empty() ? "none" : "mean " + j.at("mean").dump() + ", std " + j.at("std").dump();
}

// What the numbers of a row can be.
void check_row(const ReportRow& row, const fs::path& folder) {
  TEMPER_CHECK(row.total >= 0 && row.correct >= 0 && row.correct <= row.total && row.percent >= 0 && row.percent <= 100,
               folder.string(), ": evaluation.json is not one that temper wrote: '", row.label, "' has ", row.correct,
               " of ", row.total, " images right, ", row.percent, " %");
}

// The number of an epoch in metrics.csv.
int64_t epoch_number(double value, const fs::path& file) {
  constexpr double kMost = 1e9;
  TEMPER_CHECK(value >= 0 && value <= kMost && value == std::floor(value), file.string(),
               ": expected the number of an epoch, got ", value);
  return static_cast<int64_t>(value);
}

}  // namespace

// metrics.csv names its columns in the first line; an empty cell was not measured.
std::vector<ReportEpoch> read_curve(const fs::path& file) {
  std::istringstream lines(read_run_text(file));
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> names = split(line);
  std::vector<ReportEpoch> curve;
  while (std::getline(lines, line)) {
    const std::vector<std::string> cells = split(line);
    const auto value = [&](const char* name) {
      const auto i = static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
      return i < cells.size() && !cells[i].empty() ? std::strtod(cells[i].c_str(), nullptr) : double{NAN};
    };
    if (std::isnan(value("epoch"))) continue;
    curve.push_back({epoch_number(value("epoch"), file), value("train_loss"), value("clean"), value("robust"),
                     value("ema_clean"), value("ema_robust"), value("swa_clean"), value("swa_robust")});
  }
  return curve;
}

double ReportRow::half_width() const {
  if (total == 0) return 0;
  const double p = percent / 100;
  return 196 * std::sqrt(p * (1 - p) / static_cast<double>(total));
}

const ReportRow* RunReport::find(const std::string& label) const {
  for (const ReportRow& row : rows)
    if (row.label == label) return &row;
  return nullptr;
}

RunReport read_run(const fs::path& folder) {
  TEMPER_CHECK(fs::is_directory(folder), folder.string(), ": no such run folder; `temper train` makes one");
  const fs::path results = folder / "evaluation.json", config = folder / "config.yaml";
  TEMPER_CHECK(fs::exists(results) || fs::exists(config), folder.string(),
               ": holds no run, because there is no config.yaml in it; `temper train` makes one");
  TEMPER_CHECK(fs::exists(results), results.string(),
               ": not found, so this run has not been evaluated yet; finish it with `temper train ",
               quoted(config.string()), " --out ", quoted(folder.string()), " --resume`");
  return read_run(folder, read_run_json(results));
}

RunReport read_run(const fs::path& folder, const json& j) {
  RunReport run;
  run.folder = folder;
  const fs::path whole = fs::weakly_canonical(folder);
  run.name = printable(whole.filename().string());
  const json examples = read_run_json(folder / "examples.json");
  try {
    run.method = j.value("method", "");
    run.model = j.value("model", "");
    run.data = j.value("data", "");
    run.device = j.value("device", "");
    run.outcome = j.value("outcome", "");
    run.weights = j.value("weights", "");
    run.command = j.value("command", "");
    run.epochs = j.value("epochs", int64_t{0});
    run.images_train = j.value("images_train", int64_t{0});
    run.images_test = j.value("images_test", int64_t{0});
    run.train_seconds = j.value("train_seconds", 0.0);
    if (j.contains("nrr") && j["nrr"].is_number()) run.nrr = j["nrr"].get<double>();
    run.nrr_label = j.value("nrr_attack", "");
    run.precision = j.value("precision", "");
    run.normalisation = normalisation_text(j.value("normalisation", json()));
    const auto set = [&](const char* key) { return set_fingerprint(j.value(key, json::object())); };
    run.test = set("test");
    run.train = set("train");
    run.validation = set("validation");
    run.start_weights = j.value("start", "");
    if (j.contains("sample")) run.part = {.of = j["sample"].at("of"), .seed = j["sample"].value("seed", uint64_t{0})};
    for (const json& r : j.at("rows"))
      run.rows.push_back({r.at("label"), r.value("description", ""), r.at("correct"), r.at("total"), r.at("percent"),
                          r.value("seconds", 0.0), r.value("zero_gradient", int64_t{0}),
                          r.value("zero_gradient_right", int64_t{0}),
                          attack_of(r, (folder / "evaluation.json").string())});
    for (const ReportRow& row : run.rows) check_row(row, folder);
    run.example_attack = examples.value("attack", "");
    run.example_gain = examples.value("gain", 1.0);
    const auto picture = [&](const json& e, const char* which) {
      return checked_picture(e.at(which), cat((folder / "examples.json").string(), ": ", which));
    };
    for (const json& e : examples.value("images", json::array()))
      run.examples.push_back({e.at("truth"), e.at("clean_label"), e.at("attacked_label"),
                              e.value("clean_confidence", 0.0), e.value("attacked_confidence", 0.0),
                              picture(e, "clean"), picture(e, "attacked"), picture(e, "difference")});
  } catch (const json::exception& e) {
    fail(folder.string(), ": evaluation.json or examples.json is not one that temper wrote: ", printable(e.what()));
  }
  run.curve = read_curve(folder / "metrics.csv");
  const fs::path config = folder / "config.yaml";
  run.config = read_run_text(config);
  run.settings = flattened(parse_config(run.config, config.string()).root);
  flatten(read_run_json(folder / "environment.json"), "", run.environment);
  return run;
}

}  // namespace temper
