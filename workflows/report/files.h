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

/// A picture that lies in the page itself, as a data URI of a PNG. Throws Error, beginning with `place`, for anything
/// else: a page that loads nothing tells nobody that it was read.
std::string checked_picture(const std::string& uri, const std::string& place);

}  // namespace temper
