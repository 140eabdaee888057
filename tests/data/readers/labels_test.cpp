#include "data/readers/labels.h"

#include "kernels/runtime/check.h"
#include "tests/fixtures/catch.h"

using namespace temper;

TEST_CASE("labels are class numbers", "[data]") {
  const LabelMap map("f", {2, 0, 1, 1}, {});
  CHECK(map.classes() == 3);
  CHECK(map.names().empty());
  CHECK(map.classes_of("g", {2, 2, 0}) == std::vector<int32_t>{2, 2, 0});
  CHECK(LabelMap("f", {4}, {.classes = 7}).classes() == 7);
  CHECK_THROWS_WITH(map.classes_of("g", {0, 3}),
                    "g: the label of image 1 is 3, which is not in [0, 3); is this the right file?");
}

TEST_CASE("labels can be ranked", "[data]") {
  const LabelMap map("f", {100, 0, 50, -3}, {.rule = LabelRule::ranked});
  CHECK(map.classes() == 4);
  CHECK(map.names() == std::vector<std::string>{"label -3", "label 0", "label 50", "label 100"});
  CHECK(map.classes_of("g", {50, -3, 100}) == std::vector<int32_t>{2, 0, 3});
  CHECK_THROWS_WITH(map.classes_of("g", {7}),
                    "g: the label of image 0 is 7, which no training image has: their labels are -3, 0, 50, 100");
  CHECK_THROWS_WITH(LabelMap("f", {1, 2}, {.rule = LabelRule::ranked, .classes = 10}),
                    "f: has 2 different labels, 1, 2, but data.classes is 10; leave it out, or give data.labels: "
                    "as_given");
}

TEST_CASE("labels that begin elsewhere or leave a gap are named, with what to do", "[data][errors]") {
  CHECK_THROWS_WITH(LabelMap("f", {1, 2, 3}, {}),
                    "f: the labels are 1, 2, 3, but classes are counted from 0 without a gap; give data.labels: ranked "
                    "to take them as classes 0 to 2 in that order, or data.classes: 4 if there are classes that no "
                    "training image has");
  CHECK_THROWS_WITH(LabelMap("f", {-1, 1}, {}),
                    "f: the labels are -1, 1, but classes are counted from 0 without a gap; give data.labels: ranked "
                    "to take them as classes 0 to 1 in that order");
  CHECK_THROWS_WITH(LabelMap("f", {0, 1, 2, 3, 4, 5, 6, 8, 9}, {}),
                    "f: the labels are 0, 1, 2, 3, 4, 5, ... 9, but classes are counted from 0 without a gap; give "
                    "data.labels: ranked to take them as classes 0 to 8 in that order, or data.classes: 10 if there "
                    "are classes that no training image has");
  CHECK_THROWS_WITH(LabelMap("f", {}, {}), "f: holds no labels");
}
