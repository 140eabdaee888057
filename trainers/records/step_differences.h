#pragma once
#include <string>
#include <vector>

#include "trainers/records/step_record.h"

namespace temper {

/// How far the same steps, computed twice, lie apart. Infinite where the records have not the same content. The first
/// step shows how exactly each side computes. After it rounding decides which way an attack moves a pixel whose
/// gradient is all but zero, and the weights that follow differ for that, too: by a multiple more with every step.
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

/// How far `precision`, on any device, may be from f32 on the CPU after ten steps of a small network: more than the
/// convolutions of the CPU, direct, by Winograd's algorithm, in bf16 and in f16, are from each other. An attack that
/// does nothing is beyond each (tests/trainers/loop/audit_steps_test.cpp).
StepDifferences step_tolerance(Precision precision);

/// One line for each difference that is more than `factor` times its tolerance.
std::vector<std::string> beyond(const StepDifferences& found, const StepDifferences& tolerance, double factor);

/// What of two records is not the same to the last bit: "loss", "images", ... Empty: nothing.
std::vector<std::string> unequal(const StepRecord& a, const StepRecord& b);

}  // namespace temper
