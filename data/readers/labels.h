#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace temper {

/// How the labels of a user's files become class numbers. as_given: they are class numbers, 0, 1, 2 ... without a gap
/// or, if `classes` is given, anything below it. ranked: the smallest label is class 0, the next one class 1, and so
/// on.
enum class LabelRule : uint8_t { as_given, ranked };

struct LabelOptions {
  LabelRule rule = LabelRule::as_given;
  int64_t classes = 0;  ///< 0: as many as the training labels show
};

/// The classes of a data set, derived from its training labels.
class LabelMap {
 public:
  /// `who` names the training labels in messages. Throws Error, saying what the labels are and what to do, if the rule
  /// does not allow them.
  LabelMap(const std::string& who, const std::vector<int64_t>& training, const LabelOptions& options);

  int64_t classes() const { return classes_; }
  /// The classes of `labels`. Throws Error, naming `who`, at a label without a class.
  std::vector<int32_t> classes_of(const std::string& who, const std::vector<int64_t>& labels) const;
  /// With LabelRule::ranked, the label of each class; otherwise empty.
  std::vector<std::string> names() const;

 private:
  LabelRule rule_;
  int64_t classes_;
  std::vector<int64_t> known_;  ///< the different training labels, in order
};

}  // namespace temper
