#pragma once
// nlohmann's JSON with its parser and its writer compiled once, in json.cpp, not in every file that uses them.
#include <nlohmann/json.hpp>
#include <string_view>

extern template class nlohmann::basic_json<>;
extern template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace temper {

/// A whole JSON text as J: nlohmann::json or nlohmann::ordered_json. Throws nlohmann::json::parse_error.
template <class J = nlohmann::json>
J parse_json(std::string_view text);
/// The same without throwing: the result of a text that is not JSON is_discarded().
template <class J = nlohmann::json>
J try_json(std::string_view text);

}  // namespace temper
