#include "trainers/records/epoch_table.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "kernels/runtime/check.h"
#include "trainers/records/run_files.h"

namespace temper {

namespace {

constexpr const char* kEpoch = "epoch";

struct Column {
  const char* name;
  double EpochRow::*value;
};
constexpr Column kColumns[] = {{"train_loss", &EpochRow::train_loss},
                               {"lr", &EpochRow::lr},
                               {"clean", &EpochRow::clean},
                               {"robust", &EpochRow::robust},
                               {"ema_clean", &EpochRow::ema_clean},
                               {"ema_robust", &EpochRow::ema_robust},
                               {"swa_clean", &EpochRow::swa_clean},
                               {"swa_robust", &EpochRow::swa_robust},
                               {"seconds", &EpochRow::seconds},
                               {"images_per_second", &EpochRow::images_per_second},
                               {"best", &EpochRow::best}};

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
  return cells;
}

int64_t checked_epoch(double value, const std::filesystem::path& file) {
  constexpr double kMost = 1e9;
  TEMPER_CHECK(value >= 0 && value <= kMost && value == std::floor(value), file.string(),
               ": expected the number of an epoch, got ", value);
  return static_cast<int64_t>(value);
}

}  // namespace

EpochRow epoch_row(const EpochReport& r) {
  EpochRow row{.epoch = r.epoch,
               .train_loss = r.train_loss,
               .lr = r.lr,
               .seconds = r.seconds,
               .images_per_second = r.images_per_second,
               .best = r.best ? 1.0 : 0.0};
  if (r.validation) row.clean = r.validation->clean, row.robust = r.validation->robust;
  if (r.ema) row.ema_clean = r.ema->clean, row.ema_robust = r.ema->robust;
  if (r.swa) row.swa_clean = r.swa->clean, row.swa_robust = r.swa->robust;
  return row;
}

std::string epoch_table_head() {
  std::string line = kEpoch;
  for (const Column& c : kColumns) line += cat(',', c.name);
  return line;
}

std::string epoch_table_line(const EpochRow& row) {
  std::string line = cat(row.epoch);
  for (const Column& c : kColumns) line += std::isnan(row.*c.value) ? "," : cat(',', row.*c.value);
  return line;
}

int64_t epoch_of_line(const std::string& line) { return std::max<int64_t>(0, std::atoll(line.c_str())); }

std::vector<EpochRow> read_epoch_table(const std::filesystem::path& file) {
  std::istringstream lines(read_run_text(file));
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> names = split(line);
  std::vector<EpochRow> rows;
  while (std::getline(lines, line)) {
    const std::vector<std::string> cells = split(line);
    const auto value = [&](const char* name) {
      const auto i = static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
      return i < cells.size() && !cells[i].empty() ? std::strtod(cells[i].c_str(), nullptr) : double{NAN};
    };
    const double epoch = value(kEpoch);
    if (std::isnan(epoch)) continue;
    EpochRow& row = rows.emplace_back(EpochRow{.epoch = checked_epoch(epoch, file)});
    for (const Column& c : kColumns) row.*c.value = value(c.name);
  }
  return rows;
}

}  // namespace temper
