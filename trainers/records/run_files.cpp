#include "trainers/records/run_files.h"

#include <cmath>

#include "core/files/file.h"
#include "core/files/json.h"
#include "core/text.h"

namespace temper {

namespace {

using nlohmann::ordered_json;

constexpr int kMostLevels = 32;
constexpr double kLargestNumber = 1e15;  // beyond it not every whole number is a double

void make_tame(ordered_json& j, const std::string& file, int level) {
  TEMPER_CHECK(level <= kMostLevels, file, ": is not one that temper wrote: it is more than ", kMostLevels,
               " levels deep");
  if (j.is_string()) j = printable(j.get<std::string>());
  if (j.is_number())
    TEMPER_CHECK(std::abs(j.get<double>()) <= kLargestNumber, file,
                 ": is not one that temper wrote: it has the number ", j.dump());
  if (j.is_object()) {
    ordered_json tame = ordered_json::object();
    for (auto& [key, value] : j.items()) {
      make_tame(value, file, level + 1);
      tame[printable(key)] = std::move(value);
    }
    j = std::move(tame);
  }
  if (j.is_array())
    for (ordered_json& item : j) make_tame(item, file, level + 1);
}

}  // namespace

std::string read_run_text(const std::filesystem::path& file) {
  return std::filesystem::exists(file) ? read_text(file.string()) : "";
}

ordered_json read_run_json(const std::filesystem::path& file) {
  const std::string text = read_run_text(file);
  if (text.empty()) return ordered_json::object();
  ordered_json j;
  try {
    j = parse_json<nlohmann::ordered_json>(text);
  } catch (const ordered_json::exception& e) {
    fail(file.string(), ": expected JSON, but ", printable(e.what()));
  }
  make_tame(j, file.string(), 0);
  return j;
}

std::string json_text(const ordered_json& json) {
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace temper
