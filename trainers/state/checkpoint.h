#pragma once
// A checkpoint is everything that a bit-exact resume needs, in one safetensors file: arrays as NAME.PARAMETER for every
// flat buffer, numbers and the resolved configuration in the metadata. What belongs in it is listed once, by a function
// that visits the state; the same function writes and reads.
#include <functional>
#include <optional>
#include <string>

#include "core/files/safetensors.h"
#include "trainers/records/run_folder.h"
#include "trainers/trainer.h"

namespace temper {

using VisitState = std::function<void(StateVisitor&)>;

/// The state as arrays and metadata, and back. Numbers are kept exactly. restore() throws Error naming `file` and what
/// is missing or has another shape.
Safetensors collect(const VisitState& visit);
void restore(const Safetensors& from, const std::string& file, const VisitState& visit);

struct CheckpointNotes {
  std::string config;  ///< the resolved configuration it is written under
  std::string inputs;  ///< what is trained on (trainers/records/run_inputs.h), as JSON; empty: not on record
};

/// Makes the last checkpoint the previous one too, then replaces the last one: temporary file, fsync, rename, checksum.
/// A crash at any moment leaves at least one of the two complete.
void save_checkpoint(const RunFolder& folder, const CheckpointNotes& notes, const VisitState& visit);

struct LoadedCheckpoint {
  Safetensors content;
  std::string file;
  CheckpointNotes notes;
  std::string warning;  ///< not empty: the last checkpoint was damaged and this is the previous one
};

/// The newest checkpoint that is complete. Throws Error if there is none, naming what is wrong with each.
LoadedCheckpoint load_checkpoint(const RunFolder& folder);

/// The part of a checkpoint that is the network.
void visit_network(StateVisitor& v, Network& network);
/// Reads a network's weights from a file of weights (nn/weights.h) or from a checkpoint.
void load_network(Network& network, const std::string& file);

}  // namespace temper
