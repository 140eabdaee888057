#pragma once
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/engine.h"
#include "core/tensor.h"

namespace TEMPER_API temper {

/// Numbers by name, in the order they came.
using Metrics = std::vector<std::pair<std::string, double>>;

/// What a method logs in a step (TrainContext::log). Each term has its own place on the device, where it stays until
/// the step's sums are read; a replayed step writes to the same places.
class StepLog {
 public:
  static constexpr int kMost = 64;  ///< terms of one step

  /// `places`: (kMost) on the engine's device, of the type that terms have.
  StepLog(Engine& engine, const Tensor& places) : engine_(engine), places_(places) {}

  /// Forgets the last step's.
  void open();
  /// One number on the device. Throws Error if `term` has another size, if the step has logged the name already, and
  /// beyond kMost terms.
  void put(const std::string& name, const Tensor& term);
  /// A number on the host. Not to be called while a step is captured.
  void put(const std::string& name, double value);
  /// Everything logged, terms first; `places` are the values read from the device.
  Metrics read(std::span<const double> places) const;

 private:
  void check_new(const std::string& name) const;

  Engine& engine_;
  Tensor places_;
  std::vector<std::string> terms_;
  Metrics numbers_;
};

}  // namespace temper
