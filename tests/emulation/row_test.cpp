#include <numeric>

#include "kernels/column_sum/column_sum.h"
#include "kernels/pgd_step/pgd_step.h"
#include "kernels/row_sum/row_sum.h"
#include "kernels/runtime/device_array.h"
#include "tests/fixtures/catch.h"

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

// Columns that are moved four at a time and one at a time, in more than one chunk of rows.
TEST_CASE("the sums of columns have the same bits wherever the matrix starts", "[emulation]") {
  const Stream stream{.device = Device::cuda};
  for (const int cols : {12, 33}) {
    constexpr int kRows = 1500;
    std::vector<float> first;
    for (int offset = 0; offset < 4; ++offset) {
      std::vector<float> x(kRows * cols + 4);
      for (int i = 0; i < kRows * cols; ++i) x[i + offset] = 1.f / static_cast<float>(1 + i * 37 % 101);
      const DeviceArray<float> in(stream, x), out(stream, cols);
      const DeviceArray<float> workspace(stream, column_sum_workspace(kRows, cols));
      column_sum<float>(stream, kRows, cols, out.data(), workspace.data(), in.data() + offset, 0);
      const std::vector<float> sums = out.read(stream);
      if (offset == 0) first = sums;
      CHECK(sums == first);
    }
  }
}

// Too long for registers.
TEST_CASE("an L2 step of a long row has the same bits wherever the row starts", "[emulation]") {
  const Stream stream{.device = Device::cuda};
  constexpr int kCols = 12292;
  std::vector<float> first;
  for (int offset = 0; offset < 4; ++offset) {
    std::vector<float> images(kCols + 4), gradient(kCols + 4);
    for (int i = 0; i < kCols; ++i) {
      images[i + offset] = static_cast<float>(i * 37 % 101) / 101;
      gradient[i + offset] = static_cast<float>(i * 53 % 97) - 48;
    }
    const DeviceArray<float> x(stream, images), clean(stream, images), grad(stream, gradient);
    pgd_step_l2<float>(stream, 1, kCols, x.data() + offset, grad.data() + offset, clean.data() + offset,
                       {.radius = 0.25, .step = 0.5});
    std::vector<float> moved = x.read(stream);
    moved = {moved.begin() + offset, moved.begin() + offset + kCols};
    if (offset == 0) first = moved;
    CHECK(moved == first);
    CHECK(moved != std::vector<float>(images.begin() + offset, images.begin() + offset + kCols));
  }
}
