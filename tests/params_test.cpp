#include "core/params.h"
#include "tests/catch.h"

using namespace temper;

TEST_CASE("globs", "[params]") {
  CHECK(glob_matches("layer1.*", "layer1.0.conv1.weight"));
  CHECK(glob_matches("*.conv?.weight", "layer1.0.conv1.weight"));
  CHECK(glob_matches("*", ""));
  CHECK_FALSE(glob_matches("layer1.*", "layer11"));
  CHECK_FALSE(glob_matches("conv1", "conv1.weight"));
}

TEST_CASE("flat buffers share a layout", "[params]") {
  ParamStore store;
  const int a = store.add("a", {3}, [](const RngKey&, uint32_t, uint32_t e) { return e + 0.5; });
  const int b = store.add("b", {2, 2}, {});
  CHECK(store.size() == 128);
  CHECK(store.numel() == 7);
  CHECK(store[b].offset == 64);
  Flat values(store, DType::f32, Stream{}), other(store, DType::f32, Stream{});
  values.initialise(7);
  CHECK(values.read(a) == std::vector<double>{0.5, 1.5, 2.5});
  const uint64_t stamp = other.stamp();
  other.copy_from(values);
  CHECK(other.stamp() != stamp);
  CHECK(other.read(a) == values.read(a));
}

TEST_CASE("parameter errors name the parameter", "[params][errors]") {
  ParamStore store;
  store.add("layer1.weight", {3}, {});
  CHECK_THROWS_WITH(store.add("layer1.weight", {3}, {}), "parameter 'layer1.weight' is declared twice");
  CHECK_THROWS_WITH(store.freeze("layer1.wieght"),
                    "freeze: no parameter matches 'layer1.wieght'; did you mean 'layer1.weight'?");
  Flat values(store, DType::f32, Stream{});
  CHECK_THROWS_WITH(values.write(0, {1, 2}), "parameter 'layer1.weight' is (3) so it takes 3 values, got 2");
}
