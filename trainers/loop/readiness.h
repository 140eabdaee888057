#pragma once
// What is found out about a run before its first step, instead of after hours.
#include "trainers/loop/loop.h"
#include "trainers/state/state.h"

namespace TEMPER_API temper {

/// Throws Error if a run that is to be new already has its folder.
void check_unused(const RunFolder& folder, Resume resume);

/// Each of these throws Error for what cannot work and adds probable mistakes to the experiment's warnings.

/// The training and validation images.
void check_training_split(Experiment& experiment, const DataSplits& data);
/// The test images, which are read for it and let go.
void check_test_split(Experiment& experiment, const DataSplits& data);
/// What the experiment comes to with its images and network: a last batch that batch statistics cannot normalise,
/// averages without a sample, attacks that such images cannot have.
void check_state(TrainingState& state);
/// The attacks of the `evaluation` section on images of this shape.
void check_attacks(const EvaluationSection& evaluation, const DataShape& shape);

/// What a run writes at most, in bytes: checkpoints, weights, report.
int64_t bytes_to_write(TrainingState& state);
/// Throws Error unless the run's folder can be written to and has room for `bytes`, less what a run already has there.
/// Nothing in it changes.
void check_folder(const RunFolder& folder, int64_t bytes);

}  // namespace temper
