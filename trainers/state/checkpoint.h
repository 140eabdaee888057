#pragma once
// A checkpoint holds everything that a bit-exact resume needs, in one safetensors file: the arrays of every ParamBuffer
// as NAME.PARAMETER; numbers and the resolved configuration in the metadata. One function visits the state; it both
// writes and reads.
#include <functional>
#include <optional>
#include <string>

#include "core/files/safetensors.h"
#include "trainers/records/run_folder.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

using VisitState = std::function<void(StateVisitor&)>;

/// Converts the state to arrays and metadata, and back. Numbers are kept exactly. restore() throws Error, naming
/// `file`, if something is missing or has another shape.
Safetensors collect(const VisitState& visit);
void restore(const Safetensors& from, const std::string& file, const VisitState& visit);

struct CheckpointNotes {
  std::string config;  ///< the resolved configuration it is written under
  std::string inputs;  ///< the images and weights of the run (trainers/records/run_inputs.h), as JSON; empty: unknown
};

/// Keeps the last checkpoint as the previous one, then replaces it atomically (temporary file, fsync, rename), with a
/// checksum. A crash at any moment leaves at least one of the two complete.
void save_checkpoint(const RunFolder& folder, const CheckpointNotes& notes, const VisitState& visit);

struct LoadedCheckpoint {
  Safetensors content;
  std::string file;
  CheckpointNotes notes;
  std::string warning;  ///< set if the last checkpoint was damaged and this is the previous one
};

/// The newest complete checkpoint. Throws Error if there is none, with the reason for each file.
LoadedCheckpoint load_checkpoint(const RunFolder& folder);

/// The part of a checkpoint that is the network.
void visit_network(StateVisitor& v, Network& network);
/// Reads a network's weights from a file of weights (nn/weights.h) or from a checkpoint.
void load_network(Network& network, const std::string& file);

}  // namespace temper
