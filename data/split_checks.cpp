#include "data/split_checks.h"

#include <algorithm>

#include "core/text.h"

namespace temper {

namespace {

std::vector<int64_t> counts(const ImageSet& set) {
  std::vector<int64_t> out(static_cast<size_t>(set.classes), 0);
  for (const int32_t label : set.labels) ++out[static_cast<size_t>(label)];
  return out;
}

/// Classes that `some` images have and none of the `others`.
int64_t missing(const ImageSet& some, const ImageSet& others) {
  const std::vector<int64_t> here = counts(some), there = counts(others);
  int64_t n = 0;
  for (size_t k = 0; k < here.size(); ++k) n += here[k] > 0 && there[k] == 0 ? 1 : 0;
  return n;
}

/// "0, 3, 5 to 9 and 2 more".
std::string ranges(const std::vector<int64_t>& rising) {
  constexpr size_t kShown = 6;
  std::vector<std::string> parts;
  size_t shown = 0;
  for (size_t i = 0, end = 0; i < rising.size() && parts.size() < kShown; i = end) {
    for (end = i + 1; end < rising.size() && rising[end] == rising[end - 1] + 1;) ++end;
    parts.push_back(end - i < 3 ? cat(rising[i]) : cat(rising[i], " to ", rising[end - 1]));
    if (end - i == 2) end = i + 1;
    shown = end;
  }
  return join(parts) + (shown < rising.size() ? cat(" and ", rising.size() - shown, " more") : "");
}

void note_absent(const char* split, const ImageSet& set, std::vector<std::string>& found) {
  std::vector<int64_t> absent;
  const std::vector<int64_t> count = counts(set);
  for (size_t k = 0; k < count.size(); ++k)
    if (count[k] == 0) absent.push_back(static_cast<int64_t>(k));
  if (!absent.empty())
    found.push_back(cat("no ", split, " image has ", absent.size() == 1 ? "class " : "one of the classes ",
                        ranges(absent), ", of ", set.classes, " in all; are labels numbered from 0, without gaps?"));
}

std::string extents(const ImageSet& set) {
  const int64_t h = set.crop ? set.crop : set.height, w = set.crop ? set.crop : set.width;
  return cat(h, " x ", w, " x ", set.channels);
}

}  // namespace

std::vector<std::string> check_training_images(const ImageSet& train, const ImageSet& validation) {
  const std::vector<int64_t> count = counts(train);
  const auto classes = std::count_if(count.begin(), count.end(), [](int64_t n) { return n > 0; });
  TEMPER_CHECK(classes > 1, "data: expected training images of at least 2 classes, got ", train.size(), " of class ",
               train.labels.empty() ? 0 : train.labels.front(), " alone; are these the right labels?");
  std::vector<std::string> found;
  note_absent("training", train, found);
  if (validation.size() == 0) return found;
  if (const int64_t n = missing(train, validation); n > 0)
    found.push_back(cat("data.validation: ", validation.size(), " images leave ", n, " of ", classes,
                        " classes without a validation image"));
  return found;
}

std::vector<std::string> check_test_images(const ImageSet& test, const ImageSet& train) {
  test.check("data: test split");
  TEMPER_CHECK(extents(test) == extents(train), "data: test split: expected images of ", extents(train),
               " because the training images are, got ", extents(test));
  TEMPER_CHECK(test.classes == train.classes, "data: test split: expected ", train.classes,
               " classes as in training, got ", test.classes);
  std::vector<std::string> found;
  if (const int64_t n = missing(train, test); n > 0)
    found.push_back(cat("data: test split: ", n, " of the classes trained on have no test image"));
  return found;
}

}  // namespace temper
