#pragma once
// metrics.csv of a run folder: a line of column names, then one line an epoch. An empty cell was not measured. Columns
// are found by name, so files of earlier versions may lack some.
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "trainers/loop/observer.h"

namespace TEMPER_API temper {

/// One line; what was not measured is NaN. Accuracies are percent of the validation images.
struct EpochRow {
  int64_t epoch = 0;
  double train_loss = NAN, lr = NAN;
  double clean = NAN, robust = NAN;
  double ema_clean = NAN, ema_robust = NAN, swa_clean = NAN, swa_robust = NAN;  ///< of the averaged weights
  double seconds = NAN, images_per_second = NAN;
  double best = NAN;  ///< 1: the highest robust accuracy so far; else 0
};
EpochRow epoch_row(const EpochReport& report);

std::string epoch_table_head();
std::string epoch_table_line(const EpochRow& row);
/// The epoch of a line; 0 for the head and for anything else.
int64_t epoch_of_line(const std::string& line);

/// Empty where there is no file. Throws Error, with the file, where the column `epoch` holds no epoch's number.
std::vector<EpochRow> read_epoch_table(const std::filesystem::path& file);

}  // namespace temper
