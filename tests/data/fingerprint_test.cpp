#include "data/published/fingerprint_json.h"

#include <algorithm>
#include <fstream>
#include <numeric>

#include "core/files/json.h"

#include "core/files/fingerprint.h"
#include "data/split.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;

namespace {

// `per_class` images of each class, class after class, as a folder of pictures is read.
ImageSet sorted_set(int64_t classes, int64_t per_class) {
  ImageSet set{.height = 1, .width = 2, .channels = 1, .classes = classes};
  for (int64_t i = 0; i < classes * per_class; ++i) {
    set.pixels.insert(set.pixels.end(), {static_cast<uint8_t>(i), static_cast<uint8_t>(i / 7)});
    set.labels.push_back(static_cast<int32_t>(i / per_class));
  }
  return set;
}

std::vector<int64_t> per_class(const ImageSet& set) {
  std::vector<int64_t> count(set.classes, 0);
  for (const int32_t label : set.labels) ++count[label];
  return count;
}

}  // namespace

TEST_CASE("fingerprint: the first digits of SHA-256; texts do not run into each other", "[fingerprint]") {
  CHECK(Fingerprinter().text() == "e3b0c44298fc1c14");
  CHECK(Fingerprinter().add("abc", 3).text() == "ba7816bf8f01cfea");
  CHECK(Fingerprinter().add(std::string_view("ab")).add(std::string_view("c")).text() !=
        Fingerprinter().add(std::string_view("a")).add(std::string_view("bc")).text());
  const test::TemporaryFolder folder;
  std::ofstream(folder.file("abc")) << "abc";
  CHECK(fingerprint_of_file(folder.file("abc")) == "ba7816bf8f01cfea");
  CHECK_THROWS_WITH(fingerprint_of_file(folder.file("none")), ContainsSubstring("none"));
}

TEST_CASE("fingerprint: whatever makes two sets of images different makes their fingerprints so", "[fingerprint]") {
  const ImageSet set = sorted_set(3, 4);
  const SetFingerprint was = fingerprint(set);
  CHECK(was == fingerprint(set));
  CHECK(was.count == 12);
  CHECK(was.names == "");
  const auto changed = [&](auto edit) {
    ImageSet other = set;
    edit(other);
    return differences(was, fingerprint(other));
  };
  CHECK(changed([](ImageSet&) {}).empty());
  CHECK(changed([](ImageSet& s) { s = s.subset({0, 1}); }) == std::vector<std::string>{"12 images -> 2 images"});
  const auto pixels = [&](auto edit) { return changed(edit).at(0).rfind("other pixels: " + was.images, 0) == 0; };
  CHECK(pixels([](ImageSet& s) { ++s.pixels.back(); }));
  CHECK(pixels([](ImageSet& s) { std::swap(s.height, s.width); }));
  CHECK(pixels([](ImageSet& s) { s.crop = 1; }));
  CHECK(pixels([](ImageSet& s) { s.dtype = DType::f32, s.width = s.height = 1, s.pixels.resize(48); }));
  CHECK(pixels([](ImageSet& s) { std::swap(s.pixels[0], s.pixels[2]); }));
  const auto labels = [&](auto edit) { return changed(edit).at(0).rfind("other labels: " + was.labels, 0) == 0; };
  CHECK(labels([](ImageSet& s) { s.labels[5] = 0; }));
  CHECK(labels([](ImageSet& s) { s.classes = 4; }));
  // Another order of the same images is another set: what is random hangs on an image's place.
  std::vector<int64_t> back(12);
  std::iota(back.rbegin(), back.rend(), 0);
  CHECK(changed([&](ImageSet& s) { s = s.subset(back); }).size() == 2);

  ImageSet named = set, renamed = set;
  named.class_names = {"cat", "dog", "owl"};
  renamed.class_names = {"dog", "cat", "owl"};
  CHECK(differences(was, fingerprint(named)).empty());  // one of them has none
  CHECK_THAT(differences(fingerprint(named), fingerprint(renamed)).at(0), ContainsSubstring("other class names"));
  CHECK(set_fingerprint(to_json(fingerprint(named))) == fingerprint(named));
  CHECK(set_fingerprint(to_json(was)) == was);
  CHECK(differences(SetFingerprint{}, was).empty());  // unknown
}

TEST_CASE("sample: every class gives its share, drawn by the seed alone, in the set's order", "[data]") {
  const ImageSet set = sorted_set(5, 10);
  const ImageSet sample = stratified_sample(set, 20, 0);
  CHECK(per_class(sample) == std::vector<int64_t>(5, 4));
  CHECK(std::is_sorted(sample.labels.begin(), sample.labels.end()));
  CHECK(fingerprint(sample) == fingerprint(stratified_sample(set, 20, 0)));
  CHECK(fingerprint(sample).images != fingerprint(stratified_sample(set, 20, 1)).images);
  CHECK(fingerprint(stratified_sample(set, 50, 3)) == fingerprint(set));

  // Fewer images than classes: not always the same classes, and never two of one.
  std::vector<int64_t> seen(5, 0);
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const std::vector<int64_t> count = per_class(stratified_sample(set, 2, seed));
    for (int64_t k = 0; k < 5; ++k) {
      CHECK(count[k] <= 1);
      seen[k] += count[k];
    }
  }
  for (const int64_t n : seen) CHECK(n > 0);

  // Not the images that a validation split of the same seed holds out.
  CHECK(fingerprint(stratified_sample(set, 20, 7)).images != fingerprint(split_validation(set, 20, 7).second).images);
  CHECK_THROWS_WITH(stratified_sample(set, 0, 0), ContainsSubstring("sample: expected 1 to 50 images, got 0"));
  CHECK_THROWS_WITH(stratified_sample(set, 51, 0), ContainsSubstring("got 51"));
}
