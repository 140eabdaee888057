#include "core/params.h"
#include "tests/fixtures/catch.h"

using namespace temper;

TEST_CASE("globs", "[params]") {
  CHECK(glob_matches("layer1.*", "layer1.0.conv1.weight"));
  CHECK(glob_matches("*.conv?.weight", "layer1.0.conv1.weight"));
  CHECK(glob_matches("*", ""));
  CHECK_FALSE(glob_matches("layer1.*", "layer11"));
  CHECK_FALSE(glob_matches("conv1", "conv1.weight"));
}

TEST_CASE("flat buffers share a layout", "[params]") {
  ParamLayout layout;
  const int a = layout.add("a", {3}, [](const RngKey&, uint32_t, uint32_t e) { return e + 0.5; });
  const int b = layout.add("b", {2, 2}, {});
  CHECK(layout.size() == 128);
  CHECK(layout.numel() == 7);
  CHECK(layout[b].offset == 64);
  ParamBuffer values(layout, DType::f32, Stream{}), other(layout, DType::f32, Stream{});
  values.initialise(7);
  CHECK(values.read(a) == std::vector<double>{0.5, 1.5, 2.5});
  const uint64_t version = other.version();
  other.copy_from(values);
  CHECK(other.version() != version);
  CHECK(other.read(a) == values.read(a));
}

TEST_CASE("a flat buffer's 16-bit copy follows its contents", "[params]") {
  ParamLayout layout;
  layout.add("a", {70}, [](const RngKey&, uint32_t, uint32_t e) { return 1 + e / 1000.0; });
  layout.add("b", {2}, [](const RngKey&, uint32_t, uint32_t) { return -1.0 / 3; });
  ParamBuffer values(layout, DType::f32, Stream{});
  values.initialise(1);
  CHECK_FALSE(values.half_copy());
  const auto holds = [&](const Tensor& half, int i) {
    const std::vector<double> want = values.read(i);
    for (int64_t e = 0; e < half.numel(); ++e)
      if (float(half.as<bfloat16>()[e]) != float(bfloat16(float(want[e])))) return false;
    return half.shape == layout[i].shape;
  };
  const Tensor b = values.half_view(1, DType::bf16);
  CHECK(holds(b, 1));
  CHECK(holds(values.half_view(0, DType::bf16), 0));
  CHECK(values.half_copy());

  values.write(1, {5, 6.125});  // the copy is stale until it is asked for, and stays where it is
  CHECK_FALSE(values.half_copy());
  values.bump_version_with_half_copy();  // of a stale copy: it stays stale
  CHECK_FALSE(values.half_copy());
  CHECK(values.half_view(1, DType::bf16).data == b.data);
  CHECK(holds(b, 1));

  const Tensor both = values.half_copy();
  values.view(1).as<float>()[0] = 7;
  both.as<bfloat16>()[layout[1].offset] = bfloat16(7);
  values.bump_version_with_half_copy();
  REQUIRE(values.half_copy());
  CHECK(holds(b, 1));
  ParamBuffer moved(std::move(values));
  CHECK(moved.half_copy().data == both.data);
  CHECK_THROWS_WITH(ParamBuffer(layout, DType::f64, Stream{}).half_view(0, DType::bf16),
                    "half_view: expected bf16 or f16 of f32, got bf16 of f64");
}

TEST_CASE("parameter errors name the parameter", "[params][errors]") {
  ParamLayout layout;
  layout.add("layer1.weight", {3}, {});
  CHECK_THROWS_WITH(layout.add("layer1.weight", {3}, {}), "parameter 'layer1.weight' is declared twice");
  CHECK_THROWS_WITH(layout.freeze("layer1.wieght"),
                    "freeze: no parameter matches 'layer1.wieght'; did you mean 'layer1.weight'?");
  ParamBuffer values(layout, DType::f32, Stream{});
  CHECK_THROWS_WITH(values.write(0, {1, 2}), "parameter 'layer1.weight' is (3) so it takes 3 values, got 2");
}
