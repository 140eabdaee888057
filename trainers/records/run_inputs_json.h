#pragma once
#include "data/published/fingerprint_json.h"
#include "trainers/records/run_inputs.h"

namespace temper {

/// {"train": {...}, "validation": {...}, "extra": {...}, "start": "0123..."}, and back.
nlohmann::ordered_json to_json(const RunInputs& inputs);
RunInputs run_inputs(const nlohmann::json& j);

}  // namespace temper
