#pragma once
// Files of a run folder, which may be damaged or malicious.
#include <filesystem>
#include <string>

#include "core/files/json.h"

namespace temper {

/// A text file; "" if it does not exist. Throws Error if it is not a regular file (core/files/file.h).
std::string read_run_text(const std::filesystem::path& file);

/// A JSON file; an empty object if it does not exist. Throws Error, naming the file, if it is not JSON, is more than 32
/// levels deep, or has a number larger than Temper writes. Control characters in texts are replaced (core/text.h).
nlohmann::ordered_json read_run_json(const std::filesystem::path& file);

/// JSON as text for files. Invalid UTF-8, which names of files and classes may contain, becomes U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

}  // namespace temper
