#include "workflows/sweep_check.h"

#include <map>
#include <optional>

#include "core/files/folders.h"
#include "core/files/place_to_write.h"
#include "trainers/loop/readiness.h"
#include "trainers/methods/parts/other_network.h"
#include "workflows/run_experiment.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

/// The images that were read last: rows mostly share them.
struct Images {
  std::string settings;
  DataSplits splits;
};

bool lies_below(const fs::path& file, const fs::path& folder) {
  const fs::path way =
      fs::absolute(file).lexically_normal().lexically_relative(fs::absolute(folder).lexically_normal());
  return !way.empty() && *way.begin() != "..";
}

// Weights that another run of the sweep will write may be missing now: a section then has `instead`.
void replace_missing_weights(ConfigNode& section, const fs::path& out, const std::string& instead) {
  for (const auto& [key, value] : section.entries()) {
    if (value.is_section()) replace_missing_weights(*section.find(key), out, instead);
    const std::string& file = value.text();
    if (key == "weights" && !file.empty() && file != instead && !is_there(file) && lies_below(file, out))
      *section.find(key) = ConfigNode(instead);
  }
}

class SweepCheck {
 public:
  SweepCheck(const fs::path& out, Observer& observer) : out_(out), observer_(observer) {}

  void add(const SweepRun& run) {
    const std::string who = cat(run.label, ", seed ", run.seed, ": ");
    try {
      check_writable(run.folder.root);
      bytes_ += bytes_of(run, who) - bytes_below(run.folder.checkpoints());
    } catch (const Error& e) {
      fail(who, e.what());
    }
  }
  int64_t bytes() const { return bytes_; }

 private:
  // Runs that differ in nothing but the seed are looked into once.
  int64_t bytes_of(const SweepRun& run, const std::string& who) {
    ConfigNode settings = run.experiment.resolved;
    settings.erase("seed");
    const auto [at, added] = sizes_.emplace(settings.yaml(), 0);
    if (added) at->second = look_into(run, who);
    return at->second;
  }

  int64_t look_into(const SweepRun& run, const std::string& who) {
    ConfigNode settings = run.experiment.resolved;
    replace_missing_weights(settings["model"], out_, "");
    replace_missing_weights(settings["trainer"], out_, kUntrained);
    // A new experiment, because a method keeps the state of its first begin().
    Experiment e = read_experiment(parse_config(settings.yaml(), run.label));
    e.warnings = run.experiment.warnings;
    read_images(e);
    TrainingState state(e, images_->splits);
    check_state(state);
    for (const std::string& hardly_meant : e.warnings) observer_.on_warning(who + hardly_meant);
    return bytes_to_write(state);
  }

  void read_images(Experiment& e) {
    const std::string settings = e.resolved["data"].yaml();
    if (images_ && images_->settings == settings) return;
    images_.reset();  // before others take as much memory
    images_ = Images{settings, read_splits(e)};
    check_training_split(e, images_->splits);
    check_test_split(e, images_->splits);
  }

  const fs::path& out_;
  Observer& observer_;
  std::map<std::string, int64_t> sizes_;
  std::optional<Images> images_;
  int64_t bytes_ = 0;
};

}  // namespace

void check_sweep(const Sweep& sweep, Observer& observer) {
  SweepCheck check(sweep.out, observer);
  for (const SweepRun& run : sweep.runs)
    if (run_state(run.experiment, run.folder) != RunState::complete) check.add(run);
  check_space(sweep.out, check.bytes());
}

}  // namespace temper
