#include "kernels/pick/pick.h"

#include <cmath>

#include "kernels/axpby/sink_case.h"

namespace temper {
namespace {

template <class T>
void pick_case(int64_t rows, int cols) {
  const DType t = dtype_of<T>();
  const int64_t n = rows * cols;
  add_case(
      {.kernel = "pick",
       .axes = {{"op", "pick"}, {"dtype", t}, {"shape", cat(rows, "x", cols)}},
       .arrays = {{"y", Role::out, t, rows},
                  {"x", Role::in, t, n},
                  {"column", Role::in, DType::i32, rows, 0, cols - 1.0}},
       .run = [=](Stream s, const CaseArgs& a) { pick(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<int32_t>(2)); },
       .reference =
           [=](auto& a) {
             for (int64_t r = 0; r < rows; ++r) a[0][r] = a[1][r * cols + static_cast<int64_t>(a[2][r])];
           },
       .tolerance = 0,
       .bytes = rows * (2.0 * sizeof(T) + 4)});
}

template <class T>
void backward_case(int64_t rows, int cols, float beta) {
  const DType t = dtype_of<T>();
  const int64_t n = rows * cols;
  add_case(with_sink<T>({.kernel = "pick",
                         .axes = {{"op", "backward"}, {"dtype", t}, {"beta", beta}, {"shape", cat(rows, "x", cols)}},
                         .arrays = {{"dy", Role::in, t, rows},
                                    {"column", Role::in, DType::i32, rows, -1, cols - 1.0},
                                    {"dx", Role::inout, t, n}},
                         .reference =
                             [=](auto& a) {
                               for (int64_t i = 0; i < n; ++i)
                                 a[2][i] = beta * a[2][i] + (i % cols == a[1][i / cols] ? a[0][i / cols] : 0);
                             },
                         .tolerance = sizeof(T) == 4 ? 3e-7 : 1e-15,
                         .bytes = (1.0 + beta) * n * sizeof(T) + rows * (sizeof(T) + 4.0)},
                        {.to = 2, .n = n, .beta = beta}, [=](Stream s, const CaseArgs& a, float beta, T* dx) {
                          pick_backward(s, rows, cols, a.get<T>(0), a.get<int32_t>(1), beta, dx);
                        }));
}

enum class Over : uint8_t { all, all_but_one };

template <class T>
void max_case(int64_t rows, int cols, Over over) {
  const bool except = over == Over::all_but_one;
  const DType t = dtype_of<T>();
  const int64_t n = rows * cols;
  add_case({.kernel = "pick",
            .name = cat("row_max/", name(t), except ? "/except" : "", "/", rows, "x", cols),
            .arrays = {{"y", Role::out, t, rows},
                       {"column", Role::out, DType::i32, rows},
                       {"x", Role::in, t, n, -9, -1},
                       {"except", Role::in, DType::i32, rows, 0, cols - 1.0}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  row_max(s, rows, cols, a.get<T>(0), a.get<int32_t>(1), a.get<T>(2),
                          except ? a.get<int32_t>(3) : nullptr);
                },
            .reference =
                [=](auto& a) {
                  for (int64_t r = 0; r < rows; ++r) {
                    const int out = except ? static_cast<int>(a[3][r]) : -1;
                    const double* x = &a[2][r * cols];
                    int best = out == 0 ? 1 : 0;
                    for (int c = 0; c < cols; ++c)
                      if (c != out && x[c] > x[best]) best = c;
                    a[0][r] = x[best];
                    a[1][r] = best;
                  }
                },
            .tolerance = 0,
            .bytes = 1.0 * n * sizeof(T) + rows * (sizeof(T) + (except ? 8.0 : 4.0))});
}

template <class T>
void add_cases() {
  for (const auto& [rows, cols] :
       {std::pair<int64_t, int>{0, 10}, {1, 2}, {3, 31}, {5, 33}, {128, 10}, {129, 1000}, {2, 2052}}) {
    pick_case<T>(rows, cols);
    for (const float beta : {0.f, 1.f}) backward_case<T>(rows, cols, beta);
    for (const Over over : {Over::all, Over::all_but_one}) max_case<T>(rows, cols, over);
  }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
