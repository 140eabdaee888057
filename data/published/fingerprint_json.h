#pragma once
#include <nlohmann/json_fwd.hpp>

#include "data/published/fingerprint.h"

namespace temper {

/// {"count": 2000, "images": "0123...", "labels": "4567...", "names": "89ab..."}, and back.
nlohmann::ordered_json to_json(const SetFingerprint& f);
SetFingerprint set_fingerprint(const nlohmann::json& j);

}  // namespace temper
