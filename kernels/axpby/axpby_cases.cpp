#include "kernels/axpby/axpby.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

/// y = 2 * x + beta * y.
KnownOp as_known(int64_t n, float beta) {
  if (beta == 0) return known::Scale{.n = n, .alpha = 2, .x = 0, .y = 1};
  return known::WeightedSum{.n = n, .alpha = 2, .beta = beta, .x = 0, .y = 1, .z = 1};
}

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  const double tolerance = sizeof(T) == 2 ? 1.6e-2 : sizeof(T) == 4 ? 3e-7 : 1e-15;
  for (const int64_t n : case_sizes(kActivationElements)) {
    for (const float beta : {0.f, 1.f, -0.5f})
      add_case({.kernel = "axpby",
                .axes = {{"op", "axpby"}, {"dtype", t}, {"beta", beta}, {"n", n}},
                .size = size_of_case(n, kActivationElements),
                .arrays = {{"x", Role::in, t, n}, {"y", Role::inout, t, n}},
                .run = [n, beta](Stream s, const CaseArgs& a) { axpby(s, n, 2.f, a.get<T>(0), beta, a.get<T>(1)); },
                .reference =
                    [n, beta](auto& a) {
                      for (int64_t i = 0; i < n; ++i) a[1][i] = 2 * a[0][i] + beta * a[1][i];
                    },
                .tolerance = tolerance,
                .bytes = (beta == 0 ? 2.0 : 3.0) * n * sizeof(T),
                .known = as_known(n, beta)});
    add_case({.kernel = "axpby",
              .axes = {{"op", "weighted_sum"}, {"dtype", t}, {"n", n}},
              .size = size_of_case(n, kActivationElements),
              .arrays = {{"x", Role::in, t, n}, {"y", Role::in, t, n}, {"z", Role::out, t, n}},
              .run = [n](Stream s,
                         const CaseArgs& a) { weighted_sum(s, n, 2.f, a.get<T>(0), -0.5f, a.get<T>(1), a.get<T>(2)); },
              .reference =
                  [n](auto& a) {
                    for (int64_t i = 0; i < n; ++i) a[2][i] = 2 * a[0][i] - 0.5 * a[1][i];
                  },
              .tolerance = tolerance,
              .bytes = 3.0 * n * sizeof(T),
              .unfused =
                  [n](Stream s, const CaseArgs& a) {
                    axpby(s, n, 2.f, a.get<T>(0), 0.f, a.get<T>(2));
                    axpby(s, n, -0.5f, a.get<T>(1), 1.f, a.get<T>(2));
                  },
              .unfused_name = "axpby twice"});
    add_case({.kernel = "axpby",
              .axes = {{"op", "add_scalar"}, {"dtype", t}, {"n", n}},
              .size = size_of_case(n, kActivationElements),
              .arrays = {{"s", Role::in, t, 1}, {"y", Role::inout, t, n}},
              .run = [n](Stream s, const CaseArgs& a) { add_scalar(s, n, 3, a.get<T>(0), 1.f, a.get<T>(1)); },
              .reference =
                  [n](auto& a) {
                    for (int64_t i = 0; i < n; ++i) a[1][i] += 3 * a[0][0];
                  },
              .tolerance = tolerance,
              .bytes = 2.0 * n * sizeof(T),
              .known = known::Broadcast{.kind = known::Broadcast::Kind::add,
                                        .rows = 1,
                                        .cols = n,
                                        .v_rows = 1,
                                        .v_cols = 1,
                                        .factor = 3,
                                        .x = 1,
                                        .v = 0,
                                        .y = 1}});
  }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
  add_cases<bfloat16>();
  add_cases<float16>();
});

}  // namespace
}  // namespace temper
