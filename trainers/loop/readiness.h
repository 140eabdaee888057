#pragma once
// Checks of a run before its first step, so that errors do not appear after hours.
#include "trainers/loop/loop.h"
#include "trainers/state/state.h"

namespace TEMPER_API temper {

/// Throws Error if a new run is to be written to a folder that holds a run.
void check_unused(const RunFolder& folder, Resume resume);

/// These functions throw Error for what cannot work, and add probable mistakes to the experiment's warnings.

/// The training and validation images.
void check_training_split(Experiment& experiment, const DataSplits& data);
/// The test images, which are read and released.
void check_test_split(Experiment& experiment, const DataSplits& data);
/// The experiment together with its images and network: a last batch of one image with batch statistics, averages
/// without a sample, attacks that do not fit the images.
void check_state(TrainingState& state);
/// The attacks of the `evaluation` section on images of this shape.
void check_attacks(const EvaluationSection& evaluation, const DataShape& shape);

/// An upper bound of the bytes that a run writes: checkpoints, weights, report.
int64_t bytes_to_write(TrainingState& state);
/// Throws Error unless the run's folder is writable and has space for `bytes`, less what the run already has there.
/// Does not change the folder.
void check_folder(const RunFolder& folder, int64_t bytes);

}  // namespace temper
