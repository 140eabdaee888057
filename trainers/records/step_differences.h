#pragma once
#include <string>
#include <vector>

#include "trainers/records/step_record.h"

namespace temper {

/// The differences between two computations of the same steps; infinite if the records do not have the same content.
/// The first step shows the accuracy of each side. After it rounding decides the direction of pixels whose gradient is
/// nearly zero, and so the weights diverge, by a multiple with every step.
struct StepDifferences {
  struct Part {
    /// The largest relative error of the loss, or error of one of its terms or another number of the method, relative
    /// to the loss where that is larger than the number.
    double loss = 0;
    double gradient = 0;  ///< the same of the gradient's norm
    double images = 0;    ///< share of pixels that differ by more than 1e-5, in the step where it is largest
  };
  Part first, all;        ///< of the first step, of all steps
  double weights = 0;     ///< L2 distance of the weights at the end, relative to how far the reference's have moved
  double statistics = 0;  ///< L2 distance of BatchNorm's statistics, relative to the reference's
};

StepDifferences differences(const StepRecord& record, const StepRecord& reference);

/// The tolerances of `precision` on any device against f32 on the CPU, after ten steps of a small network. They are
/// larger than the differences between the CPU's own convolutions (direct, Winograd, bf16, f16), and smaller than the
/// difference that an attack without effect makes (tests/trainers/loop/audit_steps_test.cpp).
StepDifferences step_tolerance(Precision precision);

/// One line for each difference that exceeds `factor` times its tolerance.
std::vector<std::string> beyond(const StepDifferences& found, const StepDifferences& tolerance, double factor);

/// The contents that differ in some bit: "loss", "images", ... Empty if there are none.
std::vector<std::string> unequal(const StepRecord& a, const StepRecord& b);

}  // namespace temper
