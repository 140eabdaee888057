#include "core/config/json.h"

#include <charconv>

#include "core/files/json.h"

namespace temper {

namespace {

using nlohmann::ordered_json;

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

ordered_json to_json(const ConfigNode& n) {
  if (n.is_text()) return scalar(n.text());
  ordered_json j = n.is_section() ? ordered_json::object() : n.is_list() ? ordered_json::array() : ordered_json();
  for (const auto& [key, value] : n.entries()) j[key] = to_json(value);
  for (const ConfigNode& item : n.items()) j.push_back(to_json(item));
  return j;
}

}  // namespace temper
