#include "kernels/row_progress/row_progress.h"

#include <algorithm>

#include "kernels/runtime/case.h"

namespace temper {
namespace {

enum class Given : uint8_t { nothing, success, steps, both };

template <class T>
void add_advance(int64_t n, int step, Given given) {
  const DType t = dtype_of<T>();
  const bool success = given == Given::success || given == Given::both,
             row_steps = given == Given::steps || given == Given::both;
  constexpr int kSteps = 4, kPatience = 1;
  add_case({.kernel = "row_progress",
            .name = cat("advance/", name(t), "/n=", n, "/step=", step, success ? "/success" : "",
                        row_steps ? "/row steps" : ""),
            .arrays = {{"active", Role::inout, DType::i32, n, 0, 1},
                       {"wrong", Role::inout, DType::i32, n, 0, 2},
                       {"steps", Role::inout, DType::i32, n, 0, 9},
                       {"queries", Role::inout, DType::i32, n, 0, 9},
                       {"row_steps", Role::in, DType::i32, n, 0, 6},
                       {"odd", Role::in, t, n, -1, 1}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  advance_rows<T>(s, n, {a.get<int32_t>(0), a.get<int32_t>(1), a.get<int32_t>(2), a.get<int32_t>(3)},
                                  {.step = step,
                                   .steps = kSteps,
                                   .patience = kPatience,
                                   .success = success ? a.get<T>(5) : nullptr,
                                   .row_steps = row_steps ? a.get<int32_t>(4) : nullptr});
                },
            .reference =
                [=](auto& a) {
                  for (int64_t i = 0; i < n; ++i) {
                    if (step == 0) a[0][i] = 1, a[1][i] = 0;
                    if (!a[0][i]) continue;
                    a[3][i] += 1;
                    a[1][i] += success && a[5][i] != 0;
                    const double most = row_steps ? std::min<double>(kSteps, a[4][i]) : kSteps;
                    a[0][i] = a[1][i] <= kPatience && step < most;
                    a[2][i] += a[0][i];
                  }
                },
            .tolerance = 0});
}

void add_counts(int64_t n) {
  add_case({.kernel = "row_progress",
            .axes = {{"op", "add"}, {"n", n}},
            .arrays = {{"y", Role::inout, DType::i32, n, -9, 9}},
            .run = [n](Stream s, const CaseArgs& a) { add_to_rows(s, n, a.get<int32_t>(0), 7); },
            .reference =
                [](auto& a) {
                  for (double& v : a[0]) v += 7;
                },
            .tolerance = 0,
            .bytes = 8.0 * n});
}

template <class T>
void add_cases() {
  for (const int64_t n : kCaseSizes)
    for (const int step : {0, 2, 4})
      for (const Given given : {Given::nothing, Given::success, Given::steps, Given::both})
        add_advance<T>(n, step, given);
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
  for (const int64_t n : kCaseSizes) add_counts(n);
});

}  // namespace
}  // namespace temper
