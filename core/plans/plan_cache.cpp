#include "core/plans/plan_cache.h"

#include <cstdlib>
#include <filesystem>

#include "core/files/file.h"
#include "core/files/json.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {

constexpr int kFormat = 2;

/// FNV-1a.
uint64_t hash(const std::string& text) {
  uint64_t h = 0xcbf29ce484222325u;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return h;
}

std::string hex(uint64_t v) {
  char text[17];
  snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(v));
  return text;
}

}  // namespace

std::string PlanCache::path(const std::string& key) const { return folder_ + "/" + hex(hash(key)) + ".json"; }

std::optional<std::string> PlanCache::load(const std::string& key) {
  if (folder_.empty() || !std::filesystem::exists(path(key))) return std::nullopt;
  try {
    const auto j = parse_json(read_text(path(key)));
    TEMPER_CHECK(j.at("format") == kFormat, "it is of format ", j.at("format").dump(), ", not ", kFormat);
    TEMPER_CHECK(j.at("key") == key, "it holds the plan of ", j.at("key").get<std::string>());
    const auto plan = j.at("plan").get<std::string>();
    TEMPER_CHECK(j.at("checksum") == hex(hash(plan)), "its checksum does not fit");
    return plan;
  } catch (const nlohmann::json::exception&) {
    reject(key, "it is damaged");
  } catch (const Error& e) {
    reject(key, e.what());
  }
  return std::nullopt;
}

void PlanCache::store(const std::string& key, const std::string& plan) {
  if (folder_.empty()) return;
  const nlohmann::ordered_json j = {{"format", kFormat}, {"key", key}, {"plan", plan}, {"checksum", hex(hash(plan))}};
  const std::string text = j.dump(1);
  try {
    std::filesystem::create_directories(folder_);
    if (!swept_) remove_unfinished(folder_, std::chrono::hours(1));  // other processes may be writing theirs
    swept_ = true;
    write_file_atomically(path(key), {text});
  } catch (const std::exception& e) {
    notes_.push_back(
        cat("plan cache: ", folder_, " cannot be written, so plans will be chosen again next time: ", e.what()));
    folder_.clear();
  }
}

void PlanCache::reject(const std::string& key, const std::string& reason) {
  notes_.push_back(cat("plan cache: ", path(key), " is not used and its plan chosen anew: ", reason));
}

std::string default_plan_folder() {
  if (const char* set = std::getenv("TEMPER_CACHE")) return *set ? std::string(set) + "/plans" : "";
  if (const char* set = std::getenv("XDG_CACHE_HOME"); set && *set) return std::string(set) + "/temper/plans";
  if (const char* home = std::getenv("HOME"); home && *home) return std::string(home) + "/.cache/temper/plans";
  return "";
}

}  // namespace temper
