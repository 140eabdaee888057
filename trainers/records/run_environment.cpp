#include "trainers/records/run_environment.h"

#include <ctime>

#include "core/environment/environment.h"
#include "core/files/file.h"
#include "trainers/records/run_files.h"
#include "trainers/state/state.h"

namespace temper {

namespace {

using json = nlohmann::ordered_json;

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

void flatten(const json& node, const std::string& path, std::vector<std::pair<std::string, std::string>>& out) {
  if (!node.is_object()) {
    out.emplace_back(path, node.is_string() ? node.get<std::string>() : node.dump());
    return;
  }
  for (const auto& [key, value] : node.items()) flatten(value, path.empty() ? key : path + "." + key, out);
}

}  // namespace

void write_environment(const RunFolder& folder, const TrainingState& state, Resume resume) {
  json j = environment();
  j["device"] = name(state.engine.device());
  j["compute"] = name(state.experiment.precision);
  j["threads"] = state.engine.team().size();
  j[resume == Resume::yes ? "resumed" : "started"] = utc_now();
  write_text_atomically(folder.environment().string(), json_text(j));
}

std::vector<std::pair<std::string, std::string>> read_environment(const RunFolder& folder) {
  std::vector<std::pair<std::string, std::string>> out;
  flatten(read_run_json(folder.environment()), "", out);
  return out;
}

}  // namespace temper
