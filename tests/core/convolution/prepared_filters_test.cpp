#include "core/convolution/prepared_filters.h"

#include <vector>

#include "tests/fixtures/catch.h"

using namespace temper;

namespace {

/// Filters of one number, of which their double is prepared.
struct Doubles {
  PreparedFilters<int, float> kept;
  Capture capture;

  std::shared_ptr<float> get(const ConvFilter& f, int use = 0) {
    return kept.get(
        {.capture = &capture}, f, use, [] { return 0.f; }, [&](float& to) { to = 2 * *f.w.as<float>(); });
  }
  int64_t prepared() const { return kept.stats().filters_prepared; }
};

ConvFilter filter(float& number, uint64_t version) {
  return {.w = {&number, {1, 1, 1, 1}, DType::f32, Device::cpu}, .version = version};
}

}  // namespace

TEST_CASE("what is prepared from a filter counts for a version, a fold, a use and a generation", "[conv]") {
  Doubles doubles;
  float w = 3, other = 5, mean = 0;
  CHECK(*doubles.get(filter(w, 1)) == 6);
  CHECK(*doubles.get(filter(other, 1)) == 10);
  w = 4;
  CHECK(*doubles.get(filter(w, 1)) == 6);
  CHECK(doubles.prepared() == 2);
  CHECK(*doubles.get(filter(w, 2)) == 8);
  CHECK(*doubles.get(filter(w, 2), 1) == 8);
  CHECK(doubles.prepared() == 4);
  const BatchNormFold fold{.mean = {&mean, {1}, DType::f32, Device::cpu}};
  ConvFilter folded = filter(w, 2);
  folded.fold = &fold;
  doubles.get(folded);
  doubles.get(folded);
  CHECK(doubles.prepared() == 5);
  doubles.capture.begin();
  doubles.get(folded);
  doubles.get(folded);
  CHECK(doubles.prepared() == 6);
  doubles.capture.abandon();  // what was recorded is never done
  doubles.get(folded);
  CHECK(doubles.prepared() == 7);
  doubles.get(filter(w, 0));
  doubles.get(filter(w, 0));
  CHECK(doubles.prepared() == 9);
}

TEST_CASE("a filter that somebody still reads is prepared anew elsewhere", "[conv]") {
  Doubles doubles;
  float w = 3;
  const auto read = doubles.get(filter(w, 1));
  w = 4;
  CHECK(*doubles.get(filter(w, 2)) == 8);
  CHECK(*read == 6);
  const float* place = doubles.get(filter(w, 3)).get();
  CHECK(doubles.get(filter(w, 4)).get() == place);  // nobody does
}

TEST_CASE("filters used longest ago are forgotten, but those of a recording", "[conv]") {
  Doubles doubles;
  std::vector<float> many(5000);
  float recorded = 1;
  doubles.capture.begin();
  const float* place = doubles.get(filter(recorded, 1)).get();
  doubles.capture.end();
  for (int round = 0; round < 2; ++round)
    for (float& w : many) doubles.get(filter(w, 1));
  CHECK(doubles.prepared() == 1 + 2 * 5000);  // each was gone when it was wanted again
  CHECK(doubles.get(filter(recorded, 1)).get() == place);
}
