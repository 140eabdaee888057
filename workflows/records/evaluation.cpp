#include "workflows/records/evaluation.h"

#include "attacks/settings.h"
#include "core/config/config.h"
#include "core/config/json.h"
#include "core/files/json.h"
#include "core/text.h"
#include "trainers/records/run_files.h"
#include "trainers/records/run_inputs_json.h"

namespace temper {

namespace {

using json = nlohmann::ordered_json;

json row_json(const EvaluationRow& row) {
  json out = {{"label", row.label}, {"description", row.description}};
  if (!row.section.empty()) out["attack"] = parse_json(row.section);
  out.update({{"correct", row.correct},
              {"total", row.total},
              {"percent", row.percent},
              {"zero_gradient", row.zero_gradient},
              {"zero_gradient_right", row.zero_gradient_right},
              {"seconds", row.seconds}});
  return out;
}

EvaluationRow row_of(const json& j, const std::string& file) {
  EvaluationRow row{.label = j.at("label"),
                    .description = j.value("description", ""),
                    .correct = j.at("correct"),
                    .total = j.at("total"),
                    .percent = j.at("percent"),
                    .seconds = j.value("seconds", 0.0),
                    .zero_gradient = j.value("zero_gradient", int64_t{0}),
                    .zero_gradient_right = j.value("zero_gradient_right", int64_t{0})};
  TEMPER_CHECK(row.total >= 0 && row.correct >= 0 && row.correct <= row.total && row.percent >= 0 && row.percent <= 100,
               file, ": is not one that temper wrote: '", row.label, "' has ", row.correct, " of ", row.total,
               " images right, ", row.percent, " %");
  if (j.contains("attack")) {
    row.section = j["attack"].dump();
    row.attack = flattened(complete_attack_settings(parse_config(row.section, file).root));
  }
  return row;
}

json training_json(const Evaluation::Training& t) {
  return {{"outcome", t.outcome},
          {"epochs", t.epochs},
          {"best_epoch", t.best_epoch},
          {"images_train", t.images_train},
          {"images_validation", t.images_validation},
          {"train_seconds", t.seconds}};
}

Evaluation::Training training_of(const json& j) {
  return {.outcome = j.value("outcome", ""),
          .epochs = j.value("epochs", int64_t{0}),
          .best_epoch = j.value("best_epoch", int64_t{0}),
          .images_train = j.value("images_train", int64_t{0}),
          .images_validation = j.value("images_validation", int64_t{0}),
          .seconds = j.value("train_seconds", 0.0)};
}

Evaluation evaluation_of(const json& j, const std::string& file) {
  Evaluation e{.method = j.value("method", ""),
               .model = j.value("model", ""),
               .data = j.value("data", ""),
               .device = j.value("device", ""),
               .precision = j.value("precision", ""),
               .weights = j.value("weights", ""),
               .weights_fingerprint = j.value("weights_fingerprint", ""),
               .images_test = j.value("images_test", int64_t{0}),
               .test = set_fingerprint(j.value("test", json::object())),
               .nrr_attack = j.value("nrr_attack", ""),
               .training = training_of(j),
               .inputs = run_inputs(j),
               .command = j.value("command", "")};
  if (j.contains("normalisation"))
    e.normalisation = {.mean = j["normalisation"].at("mean"), .std = j["normalisation"].at("std")};
  if (j.contains("sample")) e.part = {.of = j["sample"].at("of"), .seed = j["sample"].value("seed", uint64_t{0})};
  for (const json& row : j.at("rows")) e.rows.push_back(row_of(row, file));
  if (j.contains("nrr") && j["nrr"].is_number()) e.nrr = j["nrr"];
  return e;
}

}  // namespace

double EvaluationRow::half_width() const {
  if (total == 0) return 0;
  const double p = percent / 100;
  return 196 * std::sqrt(p * (1 - p) / static_cast<double>(total));
}

EvaluationRow evaluation_row(const TestRow& row) {
  EvaluationRow out{.label = row.label,
                    .description = row.description,
                    .correct = row.accuracy.correct,
                    .total = row.accuracy.total,
                    .percent = row.accuracy.percent(),
                    .seconds = row.seconds,
                    .zero_gradient = row.accuracy.zero_gradient,
                    .zero_gradient_right = row.accuracy.zero_gradient_right};
  if (row.settings.is_section()) out.section = to_json(row.settings).dump(), out.attack = flattened(row.settings);
  return out;
}

const EvaluationRow* Evaluation::find(const std::string& label) const {
  for (const EvaluationRow& row : rows)
    if (row.label == label) return &row;
  return nullptr;
}

std::string normalisation_text(const std::optional<Evaluation::Normalisation>& n) {
  if (!n) return "";
  return n->mean.empty() ? "none" : "mean " + json(n->mean).dump() + ", std " + json(n->std).dump();
}

double natural_robust_ratio(double natural, double robust) {
  return natural + robust > 0 ? 2 * natural * robust / (natural + robust) : 0;
}

void set_nrr(Evaluation& e) {
  const EvaluationRow* worst = e.find("cw");
  for (const EvaluationRow& row : e.rows)
    if (row.label != "clean" && (!worst || (worst->label != "cw" && row.correct < worst->correct))) worst = &row;
  if (!worst) return;
  e.nrr = natural_robust_ratio(e.rows.front().percent, worst->percent);
  e.nrr_attack = worst->label;
}

std::string evaluation_text(const Evaluation& e) {
  json j = {
      {"method", e.method}, {"model", e.model}, {"data", e.data}, {"device", e.device}, {"precision", e.precision}};
  if (e.normalisation) j["normalisation"] = {{"mean", e.normalisation->mean}, {"std", e.normalisation->std}};
  j.update({{"weights", e.weights},
            {"weights_fingerprint", e.weights_fingerprint},
            {"images_test", e.images_test},
            {"test", to_json(e.test)}});
  if (e.part) j["sample"] = {{"of", e.part->of}, {"seed", e.part->seed}};
  for (const EvaluationRow& row : e.rows) j["rows"].push_back(row_json(row));
  if (!e.nrr_attack.empty()) j.update({{"nrr", e.nrr}, {"nrr_attack", e.nrr_attack}});
  if (!e.training.outcome.empty()) j.update(training_json(e.training));
  if (e.inputs.train.known()) j.update(to_json(e.inputs));
  if (!e.command.empty()) j["command"] = e.command;
  return json_text(j);
}

Evaluation read_evaluation(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return {};
  const json j = read_run_json(file);
  try {
    return evaluation_of(j, file.string());
  } catch (const json::exception& e) {
    fail(file.string(), ": is not one that temper wrote: ", printable(e.what()));
  }
}

}  // namespace temper
