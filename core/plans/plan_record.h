#pragma once
// The stored form of a key's plan. Independent of the library.
#include <string>
#include <vector>

namespace temper {

struct PlanRecord {
  std::string plan;                     ///< its text; empty: there is no plan, or it cannot be serialised
  std::string engine;                   ///< the plan's engine
  bool checked = false;                 ///< whether its result was checked and correct
  std::vector<std::string> wrong = {};  ///< engines whose result was checked and wrong

  std::string text() const;
  /// Throws Error if `text` is not a record.
  static PlanRecord from(const std::string& text);
  friend bool operator==(const PlanRecord&, const PlanRecord&) = default;
};

}  // namespace temper
