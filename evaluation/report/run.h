#pragma once
// What a report shows of one run, read back from the files of its folder.
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/config/node.h"
#include "data/published/fingerprint.h"
#include "data/split.h"

namespace temper {

/// One line of the table: the test images as they are ("clean") or under an attack.
struct ReportRow {
  std::string label, description;
  int64_t correct = 0, total = 0;
  double percent = 0, seconds = 0;
  int64_t zero_gradient = 0, zero_gradient_right = 0;  ///< as in Accuracy; 0 where not on record
  FlatYaml attack = {};                                ///< its section with every key; empty: none, or not on record
  /// Half the width of the 95 % interval for `percent`, if the images were drawn at random.
  double half_width() const;
};

/// One epoch; what was not measured is NaN.
struct ReportEpoch {
  int64_t epoch = 0;
  double loss = NAN, clean = NAN, robust = NAN, ema_clean = NAN, ema_robust = NAN, swa_clean = NAN, swa_robust = NAN;
};

/// One test image before and after the attack, as data URIs.
struct ReportExample {
  std::string truth, clean_label, attacked_label;
  double clean_confidence = 0, attacked_confidence = 0;
  std::string clean, attacked, difference;
};

struct RunReport {
  std::filesystem::path folder;
  std::string name, method, model, data, device, outcome, weights, command;
  int64_t epochs = 0, images_train = 0, images_test = 0;
  std::string precision;             ///< that attacks and predictions were computed in; empty: not on record
  std::string normalisation;         ///< "mean [0.5], std [0.2]", "none"; empty: not on record
  SetFingerprint test;               ///< of the images measured
  std::optional<SetPart> part = {};  ///< which part of the test split they are; none: all of it
  SetFingerprint train, validation;  ///< of the training split, and of what was held out of it
  std::string start_weights;         ///< of the file that training started from; empty: none
  double train_seconds = 0;
  std::vector<ReportRow> rows;  ///< the first is "clean"
  std::vector<ReportEpoch> curve;
  std::string example_attack;
  double example_gain = 1;  ///< by which differences are amplified
  std::vector<ReportExample> examples;
  std::string config;  ///< resolved, YAML
  FlatYaml settings;   ///< the same, flat
  std::vector<std::pair<std::string, std::string>> environment;

  double nrr = NAN;       ///< natural-robust ratio, percent; NaN without an attack
  std::string nrr_label;  ///< the attack it was computed with

  const ReportRow* find(const std::string& label) const;
};

/// metrics.csv of a run folder. Empty if there is none.
std::vector<ReportEpoch> read_curve(const std::filesystem::path& file);

/// Reads evaluation.json, examples.json, metrics.csv, config.yaml and environment.json of a run folder. Only the first
/// is necessary. Throws Error naming the file and what to run.
RunReport read_run(const std::filesystem::path& folder);
/// The same with what evaluation.json is going to hold.
RunReport read_run(const std::filesystem::path& folder, const nlohmann::ordered_json& evaluation);

}  // namespace temper
