#pragma once
#include <filesystem>
#include <string>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

/// The names of the files of a run. trainers/loop/loop.h and workflows/run_experiment.h say what writes them.
struct RunFolder {
  std::filesystem::path root;

  std::filesystem::path config() const { return root / "config.yaml"; }  ///< resolved: every key
  std::filesystem::path inputs() const { return root / "data.json"; }    ///< fingerprints of what it trains on
  std::filesystem::path environment() const { return root / "environment.json"; }  ///< version, device, libraries
  std::filesystem::path metrics() const { return root / "metrics.jsonl"; }         ///< one JSON object a line
  std::filesystem::path epochs_csv() const { return root / "metrics.csv"; }        ///< one line an epoch
  std::filesystem::path evaluation() const { return root / "evaluation.json"; }    ///< the test split, after training
  std::filesystem::path examples() const { return root / "examples.json"; }        ///< pictures of the report
  std::filesystem::path report() const { return root / "report.html"; }
  std::filesystem::path lock() const { return root / "run.lock"; }  ///< there while a process works in the folder
  std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  std::filesystem::path last() const { return checkpoints() / "last.safetensors"; }           ///< resume from here
  std::filesystem::path previous() const { return checkpoints() / "last.prev.safetensors"; }  ///< the one before
  /// The network alone, as it was at the best robust validation accuracy.
  std::filesystem::path best() const { return checkpoints() / "best.safetensors"; }
  std::filesystem::path ema() const { return checkpoints() / "ema.safetensors"; }
  std::filesystem::path swa() const { return checkpoints() / "swa.safetensors"; }
};

}  // namespace temper
