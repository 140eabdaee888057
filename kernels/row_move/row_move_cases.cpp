#include "kernels/row_move/row_move.h"

#include "kernels/runtime/case.h"
#include "kernels/runtime/memory.h"

namespace temper {
namespace {

constexpr int64_t kOther = 5;  // rows on the far side that are not touched

template <class T>
void add_gather(int64_t rows, int cols) {
  const DType t = dtype_of<T>();
  add_case(
      {.kernel = "row_move",
       .axes = {{"op", "gather"}, {"dtype", t}, {"shape", cat(rows, "x", cols)}},
       .size = size_of_case(rows, kImages),
       .arrays = {{"y", Role::out, t, rows * cols, -9, 9},
                  {"x", Role::in, t, (rows + kOther) * cols, -9, 9},
                  {"index", Role::in, DType::i32, rows, 0, double(rows + kOther - 1)}},
       .run = [=](Stream s,
                  const CaseArgs& a) { gather_rows<T>(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<int32_t>(2)); },
       .reference =
           [=](auto& a) {
             for (int64_t i = 0; i < rows * cols; ++i)
               a[0][i] = a[1][static_cast<int64_t>(a[2][i / cols]) * cols + i % cols];
           },
       .tolerance = 0,
       .bytes = 2.0 * rows * cols * sizeof(T)});
}

/// To every second row from the end.
template <class T>
void add_scatter(int64_t rows, int cols) {
  const DType t = dtype_of<T>();
  std::vector<int32_t> index(rows);
  for (int64_t r = 0; r < rows; ++r) index[r] = static_cast<int32_t>(2 * (rows - 1 - r));
  add_case({.kernel = "row_move",
            .axes = {{"op", "scatter"}, {"dtype", t}, {"shape", cat(rows, "x", cols)}},
            .size = size_of_case(rows, kImages),
            .arrays = {{"y", Role::inout, t, 2 * rows * cols, -9, 9},
                       {"x", Role::in, t, rows * cols, -9, 9},
                       {"index", Role::scratch, DType::i32, rows, 0, 1}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  copy(s, a.get<int32_t>(2), s.device, index.data(), Device::cpu, index.size() * sizeof(int32_t));
                  scatter_rows<T>(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<int32_t>(2));
                },
            .reference =
                [=](auto& a) {
                  for (int64_t i = 0; i < rows * cols; ++i) a[0][index[i / cols] * int64_t{cols} + i % cols] = a[1][i];
                },
            .tolerance = 0});
}

template <class T>
void add_copy_where(int64_t rows, int cols) {
  const DType t = dtype_of<T>();
  add_case({.kernel = "row_move",
            .axes = {{"op", "copy_where"}, {"dtype", t}, {"shape", cat(rows, "x", cols)}},
            .size = size_of_case(rows, kImages),
            .arrays = {{"y", Role::inout, t, rows * cols, -9, 9},
                       {"x", Role::in, t, rows * cols, -9, 9},
                       {"chosen", Role::in, DType::i32, rows, 0, 1}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  copy_rows_where<T>(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<int32_t>(2));
                },
            .reference =
                [=](auto& a) {
                  for (int64_t i = 0; i < rows * cols; ++i)
                    if (a[2][i / cols]) a[0][i] = a[1][i];
                },
            .tolerance = 0,
            .bytes = 2.0 * rows * cols * sizeof(T)});
}

template <class T>
void add_cases() {
  for (const auto& [rows, cols] :
       {std::pair<int64_t, int>{0, 12}, {1, 1}, {31, 3}, {33, 33}, {64, 3072}, {kImages, kImageElements}}) {
    add_gather<T>(rows, cols);
    add_scatter<T>(rows, cols);
    add_copy_where<T>(rows, cols);
  }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
  add_cases<int32_t>();
});

}  // namespace
}  // namespace temper
