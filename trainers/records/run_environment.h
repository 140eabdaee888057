#pragma once
// environment.json of a run folder: version, machine, libraries, device, time of the start or of a resume.
#include <string>
#include <utility>
#include <vector>

#include "trainers/loop/loop.h"
#include "trainers/records/run_folder.h"

namespace TEMPER_API temper {

class TrainingState;

void write_environment(const RunFolder& folder, const TrainingState& state, Resume resume);

/// Dotted names and their values as text, in the order of the file; empty if there is no file.
std::vector<std::pair<std::string, std::string>> read_environment(const RunFolder& folder);

}  // namespace temper
