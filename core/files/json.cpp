#include "core/files/json.h"

template class nlohmann::basic_json<>;
template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace temper {

template <class J>
J parse_json(std::string_view text) {
  return J::parse(text);
}
template <class J>
J try_json(std::string_view text) {
  return J::parse(text, nullptr, false);
}
template nlohmann::json parse_json(std::string_view);
template nlohmann::json try_json(std::string_view);
template nlohmann::ordered_json parse_json(std::string_view);
template nlohmann::ordered_json try_json(std::string_view);

}  // namespace temper
