#include "core/config/yaml.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace temper {

namespace {

using nlohmann::ordered_json;

void flatten(const YAML::Node& n, const std::string& path, FlatYaml& out) {
  if (!n.IsMap()) {
    YAML::Emitter text;
    text.SetSeqFormat(YAML::Flow);
    text << n;
    out.emplace_back(path, n.IsScalar() ? n.Scalar() : text.c_str());
    return;
  }
  for (const auto& kv : n) {
    const std::string key = kv.first.as<std::string>();
    flatten(kv.second, path.empty() ? key : path + "." + key, out);
  }
}

template <class T>
bool reads_as(const std::string& text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

ordered_json scalar(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  if (int64_t whole = 0; reads_as(text, whole)) return whole;
  if (double number = 0; reads_as(text, number) && number - number == 0) return number;
  return text;
}

}  // namespace

FlatYaml flattened(const YAML::Node& node) {
  FlatYaml out;
  flatten(node, "", out);
  return out;
}

ordered_json to_json(const YAML::Node& n) {
  if (n.IsScalar()) return scalar(n.Scalar());
  ordered_json j = n.IsMap() ? ordered_json::object() : n.IsSequence() ? ordered_json::array() : ordered_json();
  if (n.IsMap())
    for (const auto& kv : n) j[kv.first.as<std::string>()] = to_json(kv.second);
  if (n.IsSequence())
    for (const YAML::Node& item : n) j.push_back(to_json(item));
  return j;
}

}  // namespace temper
