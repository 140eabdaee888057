#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace temper {

/// What the numbers that a user calls his classes by become. as_given: class numbers, so 0, 1, 2 ... without a gap, or
/// anything below `classes` where that is given. ranked: the smallest of them is class 0, the next class 1, and so on.
enum class LabelRule : uint8_t { as_given, ranked };

struct LabelOptions {
  LabelRule rule = LabelRule::as_given;
  int64_t classes = 0;  ///< 0: as many as the training labels show
};

/// Classes of a data set, as its training labels show them.
class LabelMap {
 public:
  /// `who` names the training labels in messages. Throws Error, saying what the labels are and what to do, if they are
  /// no class numbers under the rule.
  LabelMap(const std::string& who, const std::vector<int64_t>& training, const LabelOptions& options);

  int64_t classes() const { return classes_; }
  /// The classes of some labels. Throws Error, naming `who`, at one that is no class.
  std::vector<int32_t> classes_of(const std::string& who, const std::vector<int64_t>& labels) const;
  /// Under LabelRule::ranked, what each class was called by; otherwise empty.
  std::vector<std::string> names() const;

 private:
  LabelRule rule_;
  int64_t classes_;
  std::vector<int64_t> known_;  ///< the different training labels, in order
};

}  // namespace temper
