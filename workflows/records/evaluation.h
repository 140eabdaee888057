#pragma once
// evaluation.json of a run folder: what was measured on the test images, and what led there.
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

/// One line of the table: the test images as they are ("clean") or under an attack.
struct EvaluationRow {
  std::string label;        ///< "clean", or the attack's label
  std::string description;  ///< every parameter of the attack
  int64_t correct = 0, total = 0;
  double percent = 0, seconds = 0;
  int64_t zero_gradient = 0, zero_gradient_right = 0;  ///< as in Accuracy; 0 where not on record
  std::string section = {};                            ///< the attack's section with every key, as JSON; empty: none
  FlatYaml attack = {};                                ///< the same, flat, with the keys that are newer than the file
  /// Half the width of the 95 % interval for `percent`, if the images were drawn at random.
  double half_width() const;
};
EvaluationRow evaluation_row(const TestRow& row);

struct Evaluation {
  /// A network's; both empty: it has none.
  struct Normalisation {
    std::vector<double> mean, std;
  };
  struct Training {
    std::string outcome;  ///< empty: not on record
    int64_t epochs = 0, best_epoch = 0, images_train = 0, images_validation = 0;
    double seconds = 0;
  };

  std::string method, model, data, device;
  std::string precision;                            ///< of attacks and predictions; empty: not on record
  std::optional<Normalisation> normalisation = {};  ///< none: not on record
  std::string weights;                              ///< which of the run's, or a file
  std::string weights_fingerprint;                  ///< of the network's numbers; empty: not on record
  int64_t images_test = 0;
  SetFingerprint test = {};              ///< of the images measured
  std::optional<SetPart> part = {};      ///< which part of the test split they are; none: all of it
  std::vector<EvaluationRow> rows = {};  ///< the first is "clean"
  double nrr = NAN;                      ///< natural-robust ratio, percent; NaN without an attack
  std::string nrr_attack = {};           ///< the label it was computed with
  Training training = {};
  RunInputs inputs = {};     ///< what it was trained on
  std::string command = {};  ///< that trains it again; empty: not on record

  /// Null where there is no such row.
  const EvaluationRow* find(const std::string& label) const;
};

/// "mean [0.5], std [0.2]", "none"; "" where it is not on record.
std::string normalisation_text(const std::optional<Evaluation::Normalisation>& normalisation);

/// The harmonic mean of natural and robust accuracy (CURE, eq. 9).
double natural_robust_ratio(double natural, double robust);

/// Computes nrr from the rows: with the attack labelled "cw", as in the field's tables, else the one that breaks most.
void set_nrr(Evaluation& evaluation);

/// The content of the file.
std::string evaluation_text(const Evaluation& evaluation);

/// Reads the file; nothing is on record where there is none. Throws Error, with the file, for what Temper did not
/// write.
Evaluation read_evaluation(const std::filesystem::path& file);

}  // namespace temper
