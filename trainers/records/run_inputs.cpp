#include "trainers/records/run_inputs_json.h"

#include "core/files/file.h"
#include "core/files/fingerprint.h"
#include "trainers/records/run_files.h"

namespace temper {

std::string fingerprint_of_weights(const std::string& file) {
  return std::filesystem::is_regular_file(file) ? fingerprint_of_file(file) : std::string();
}

std::vector<std::string> differences(const RunInputs& was, const RunInputs& is) {
  std::vector<std::string> out;
  for (const std::string& d : differences(was.train, is.train)) out.push_back("training images: " + d);
  for (const std::string& d : differences(was.validation, is.validation)) out.push_back("validation images: " + d);
  for (const std::string& d : differences(was.extra, is.extra)) out.push_back("extra images: " + d);
  if (was.train.known() && is.train.known() && was.weights != is.weights) {
    const auto shown = [](const std::string& f) { return f.empty() ? std::string("none") : f; };
    out.push_back(cat("file of starting weights: ", shown(was.weights), " -> ", shown(is.weights)));
  }
  return out;
}

nlohmann::ordered_json to_json(const RunInputs& inputs) {
  nlohmann::ordered_json j = {{"train", to_json(inputs.train)}};
  if (inputs.validation.known()) j["validation"] = to_json(inputs.validation);
  if (inputs.extra.known()) j["extra"] = to_json(inputs.extra);
  if (!inputs.weights.empty()) j["start"] = inputs.weights;
  return j;
}

RunInputs run_inputs(const nlohmann::json& j) {
  const auto set = [&](const char* key) { return j.contains(key) ? set_fingerprint(j.at(key)) : SetFingerprint{}; };
  return {
      .train = set("train"), .validation = set("validation"), .extra = set("extra"), .weights = j.value("start", "")};
}

void write_inputs(const RunFolder& folder, const RunInputs& inputs) {
  write_text_atomically(folder.inputs().string(), json_text(to_json(inputs)));
}

RunInputs read_inputs(const RunFolder& folder) { return run_inputs(read_run_json(folder.inputs())); }

}  // namespace temper
