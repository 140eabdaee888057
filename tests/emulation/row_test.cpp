#include <numeric>

#include "kernels/row_sum/row_sum.h"
#include "kernels/runtime/device_array.h"
#include "tests/catch.h"

using namespace temper;

// A warp's row, one whose columns are moved in fours, and a block's.
TEST_CASE("the sum of a row has the same bits wherever the row starts", "[emulation]") {
  const Stream stream{.device = Device::cuda};
  for (const int cols : {33, 128, 2052}) {
    constexpr int kRows = 3;
    std::vector<float> x(kRows * cols + 4);
    for (size_t i = 0; i < x.size(); ++i) x[i] = 1.f / static_cast<float>(1 + i * 37 % 101);
    std::vector<float> first;
    for (int offset = 0; offset < 4; ++offset) {
      std::vector<float> shifted(x.size());
      std::copy(x.begin(), x.end() - 4, shifted.begin() + offset);
      const DeviceArray<float> in(stream, shifted), out(stream, kRows);
      row_sum(stream, kRows, cols, out.data(), in.data() + offset, 1);
      const std::vector<float> sums = out.read(stream);
      CHECK(sums[1] == Approx(std::accumulate(x.begin() + cols, x.begin() + 2 * cols, 0.0)).epsilon(1e-6));
      if (offset == 0) first = sums;
      CHECK(sums == first);
    }
  }
}
