#pragma once
// evaluation.json of a run folder: the results on the test images and their context.
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/config/node.h"
#include "data/split.h"
#include "trainers/records/run_inputs.h"
#include "trainers/records/test_evaluation.h"

namespace TEMPER_API temper {

/// One row of the table: the clean test images ("clean") or an attack.
struct EvaluationRow {
  std::string label;        ///< "clean", or the attack's label
  std::string description;  ///< every parameter of the attack
  int64_t correct = 0, total = 0;
  double percent = 0, seconds = 0;
  int64_t zero_gradient = 0, zero_gradient_right = 0;  ///< as in Accuracy; 0 if unknown
  std::string section = {};                            ///< the attack's section with every key, as JSON; empty: none
  FlatYaml attack = {};                                ///< the same, flat, including keys that are newer than the file
  /// Half the width of the 95 % confidence interval of `percent`, for randomly drawn images.
  double half_width() const;
};
EvaluationRow evaluation_row(const TestRow& row);

struct Evaluation {
  /// The normalisation of the network; both empty: none.
  struct Normalisation {
    std::vector<double> mean, std;
  };
  struct Training {
    std::string outcome;  ///< empty: unknown
    int64_t epochs = 0, best_epoch = 0, images_train = 0, images_validation = 0;
    double seconds = 0;
  };

  std::string method, model, data, device;
  std::string precision;                            ///< of attacks and predictions; empty: unknown
  std::optional<Normalisation> normalisation = {};  ///< empty: unknown
  std::string weights;                              ///< last, best, ema or swa of the run, or a file
  std::string weights_fingerprint;                  ///< of the network; empty: unknown
  int64_t images_test = 0;
  SetFingerprint test = {};              ///< of the tested images
  std::optional<SetPart> part = {};      ///< the sample of the test split; empty: all of it
  std::vector<EvaluationRow> rows = {};  ///< the first is "clean"
  double nrr = NAN;                      ///< natural-robust ratio, percent; NaN without an attack
  std::string nrr_attack = {};           ///< the label it was computed with
  Training training = {};
  RunInputs inputs = {};     ///< of the training
  std::string command = {};  ///< to repeat the training; empty: unknown

  /// The row with this label, or null.
  const EvaluationRow* find(const std::string& label) const;
};

/// "mean [0.5], std [0.2]", "none"; "" if it is unknown.
std::string normalisation_text(const std::optional<Evaluation::Normalisation>& normalisation);

/// The harmonic mean of natural and robust accuracy (CURE, eq. 9).
double natural_robust_ratio(double natural, double robust);

/// Computes nrr from the rows, with the attack labelled "cw", as in published tables, or else with the strongest one.
void set_nrr(Evaluation& evaluation);

/// The content of the file.
std::string evaluation_text(const Evaluation& evaluation);

/// Reads the file; without a file all values are unknown. Throws Error, naming the file, for content that Temper did
/// not write.
Evaluation read_evaluation(const std::filesystem::path& file);

}  // namespace temper
