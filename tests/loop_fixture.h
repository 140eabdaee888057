#pragma once
// What tests of whole runs share.
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "core/files/file.h"
#include "tests/training_fixture.h"

namespace temper::test {

inline TrainResult train(const std::filesystem::path& folder, Observer& observer, Resume resume = Resume::no,
                         const std::vector<std::string>& set = {}, const std::string& trainer = kPgdAt) {
  Experiment e = tiny(trainer, set);
  return run_training(e, {folder}, observer, resume);
}

inline std::vector<char> last_checkpoint(const std::filesystem::path& folder) {
  return read_file(RunFolder{folder}.last().string());
}

/// Sends itself a signal at one step.
struct Signalling : Recorder {
  int number;
  int64_t epoch, step;
  Signalling(int number, int64_t epoch, int64_t step) : number(number), epoch(epoch), step(step) {}
  void on_step(const StepReport& r) override {
    Recorder::on_step(r);
    if (r.epoch == epoch && r.step == step) std::raise(number);
  }
};

/// Everything a checkpoint can hold, saved within epochs too.
inline const std::vector<std::string> kEverything = {"ema.decay=0.9", "swa.start=2", "swa.every=2",
                                                     "loop.checkpoint_steps=2"};

}  // namespace temper::test
