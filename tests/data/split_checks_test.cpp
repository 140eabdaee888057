#include "data/split_checks.h"

#include "tests/fixtures/catch.h"

using namespace temper;

namespace {

/// Black images of 2 x 2 pixels with these labels.
ImageSet labelled(int64_t classes, std::vector<int32_t> labels) {
  ImageSet set{.height = 2, .width = 2, .channels = 1, .classes = classes, .labels = std::move(labels)};
  set.pixels.resize(static_cast<size_t>(set.size() * set.image_bytes()));
  return set;
}

using Found = std::vector<std::string>;

}  // namespace

TEST_CASE("split checks: training images need two classes, and each class an image", "[data][errors]") {
  const ImageSet none = labelled(3, {});
  CHECK(check_training_images(labelled(3, {0, 1, 2}), none).empty());
  CHECK_THROWS_WITH(check_training_images(labelled(1, {0, 0}), none),
                    "data: expected training images of at least 2 classes, got 2 of class 0 alone; are these the right "
                    "labels?");
  CHECK_THROWS_WITH(check_training_images(labelled(10, {7, 7, 7}), none), ContainsSubstring("got 3 of class 7 alone"));
  CHECK(check_training_images(labelled(4, {1, 2, 3}), none) ==
        Found{"no training image has class 0, of 4 in all; are labels numbered from 0, without gaps?"});
  CHECK(check_training_images(labelled(101, {0, 50, 100}), none) ==
        Found{"no training image has one of the classes 1 to 49, 51 to 99, of 101 in all; are labels numbered from 0, "
              "without gaps?"});
  CHECK_THAT(check_training_images(labelled(40, {0, 2, 4, 6, 8, 10, 12, 14, 39}), none).front(),
             ContainsSubstring("1, 3, 5, 7, 9, 11 and 25 more, of 40"));
  CHECK_THAT(check_training_images(labelled(5, {0, 3, 4}), none).front(), ContainsSubstring("classes 1, 2, of 5"));
}

TEST_CASE("split checks: validation images should have every class", "[data]") {
  const ImageSet train = labelled(3, {0, 1, 2, 0});
  CHECK(check_training_images(train, labelled(3, {2, 1, 0})).empty());
  CHECK(check_training_images(train, labelled(3, {2})) ==
        Found{"data.validation: 1 images leave 2 of 3 classes without a validation image"});
}

TEST_CASE("split checks: test images are like training images", "[data][errors]") {
  const ImageSet train = labelled(3, {0, 1, 2, 0});
  CHECK(check_test_images(labelled(3, {2, 1, 0}), train).empty());
  CHECK(check_test_images(labelled(3, {2, 2}), train) ==
        Found{"data: test split: 2 of the classes trained on have no test image"});
  CHECK_THROWS_WITH(check_test_images(labelled(3, {}), train), "data: test split: holds no images");
  CHECK_THROWS_WITH(check_test_images(labelled(3, {0, 3}), train), ContainsSubstring("the label of image 1 is 3"));
  CHECK_THROWS_WITH(check_test_images(labelled(3, {-1}), train), ContainsSubstring("the label of image 0 is -1"));
  CHECK_THROWS_WITH(check_test_images(labelled(4, {0, 3}), train),
                    "data: test split: expected 3 classes as in training, got 4");
  ImageSet wide = labelled(3, {0, 1});
  wide.height = 1, wide.width = 4;
  CHECK_THROWS_WITH(check_test_images(wide, train),
                    "data: test split: expected images of 2 x 2 x 1 because the training images are, got 1 x 4 x 1");
  wide.height = wide.width = 1, wide.channels = 4;
  CHECK_THROWS_WITH(check_test_images(wide, train), ContainsSubstring("got 1 x 1 x 4"));
  ImageSet crops = train;  // whole images of 2 x 2, of which squares of one pixel are trained on
  crops.crop = 1;
  ImageSet pixels = labelled(3, {0, 1, 2});
  pixels.height = pixels.width = 1;
  pixels.pixels.resize(3);
  CHECK(check_test_images(pixels, crops).empty());
}
