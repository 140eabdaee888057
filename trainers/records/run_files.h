#pragma once
// Files of a run folder, which may be damaged or made by somebody who means no good.
#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace temper {

/// A text file; "" where there is none. Throws Error for what is no file (core/files/file.h).
std::string read_run_text(const std::filesystem::path& file);

/// A JSON file; an empty object where there is none. Throws Error, with the file, for what is no JSON, more than 32
/// levels deep, or has a number beyond what Temper writes. Texts come without control characters (core/text.h).
nlohmann::ordered_json read_run_json(const std::filesystem::path& file);

/// JSON as it is written to files. Names of files and classes need not be UTF-8, but JSON is: what is not becomes
/// U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

}  // namespace temper
