#pragma once
// What is kept of a key's plan between processes. Knows no library.
#include <string>
#include <vector>

namespace temper {

struct PlanRecord {
  std::string plan;                     ///< its text; empty: there is none, or it has none
  std::string engine;                   ///< the one behind it
  bool checked = false;                 ///< whether its result was compared, and right
  std::vector<std::string> wrong = {};  ///< engines whose result was compared, and wrong

  std::string text() const;
  /// Throws Error where `text` is no record.
  static PlanRecord from(const std::string& text);
  friend bool operator==(const PlanRecord&, const PlanRecord&) = default;
};

}  // namespace temper
