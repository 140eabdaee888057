#pragma once
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/engine.h"
#include "core/tensor.h"

namespace temper {

/// Numbers by name, in the order they came.
using Metrics = std::vector<std::pair<std::string, double>>;

/// What a method logs in a step (TrainContext::log): terms stay on the device, each in a place of its own, until the
/// step's sums are read, and a step that the device repeats by itself fills the same places.
class StepLog {
 public:
  static constexpr int kMost = 64;  ///< terms of one step

  /// `places`: (kMost) on the engine's device, of the type that terms have.
  StepLog(Engine& engine, const Tensor& places) : engine_(engine), places_(places) {}

  /// Forgets the last step's.
  void open();
  /// A number of the device. Throws Error unless it is one number, on a name that the step has already, and beyond
  /// kMost.
  void put(const std::string& name, const Tensor& term);
  /// A number of the host, which recorded work has none of.
  void put(const std::string& name, double value);
  /// All of it, terms first, with what was read of `places`.
  Metrics read(std::span<const double> places) const;

 private:
  void check_new(const std::string& name) const;

  Engine& engine_;
  Tensor places_;
  std::vector<std::string> terms_;
  Metrics numbers_;
};

}  // namespace temper
