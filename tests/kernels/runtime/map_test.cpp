#include "kernels/runtime/map.h"

#include "kernels/runtime/dtype.h"
#include "tests/fixtures/catch.h"

using namespace temper;
using detail::common_head;
using detail::map_width;

TEST_CASE("map gives a thread 16 bytes of the narrowest array", "[kernels]") {
  CHECK(map_width<>() == 1);
  CHECK(map_width<float, float, float>() == 4);
  CHECK(map_width<double>() == 2);
  CHECK(map_width<bfloat16, bfloat16>() == 8);
  CHECK(map_width<float, bfloat16>() == 8);
  CHECK(map_width<uint8_t>() == 16);
  CHECK(map_width<double, float>() == 4);
  CHECK(map_width<float, float, float, float, float, bfloat16>() == 4);  // 22 bytes an element: too many registers
}

TEST_CASE("map finds where arrays that start anywhere are in step", "[kernels]") {
  alignas(16) float f[16] = {};
  alignas(16) bfloat16 h[16] = {};
  CHECK(common_head<1>() == 0);
  CHECK(common_head<4>(f, f + 4) == 0);
  CHECK(common_head<4>(f + 1, f + 5) == 3);
  CHECK(common_head<4>(f, f + 1) == -1);
  CHECK(common_head<8>(f + 1, h + 1) == 7);
  CHECK(common_head<8>(f + 2, h + 6) == 2);  // two floats are in step with any multiple of two bfloat16
  CHECK(common_head<8>(f + 1, h) == -1);
  CHECK(common_head<4>(f + 3, h + 1) == -1);  // at width 4 a pack of bfloat16 is 8 bytes
  CHECK(common_head<4>(f + 3, h + 3) == 1);
}
