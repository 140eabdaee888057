#include "kernels/normalize/normalize.h"

#include "kernels/axpby/axpby.h"
#include "kernels/convert/convert.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

constexpr ChannelStats kStats{{0.5, 0.4, 0.3, 0, 0, 0, 0, 0}, {0.25, 0.2, 0.3, 1, 1, 2, 1, 1}};

KnownOp as_known(int64_t pixels, int c) {
  return known::ChannelNormalize{
      .rows = pixels, .mean = {kStats.mean, kStats.mean + c}, .std = {kStats.std, kStats.std + c}, .x = 1, .y = 0};
}

/// Normalised in S, then rounded. In S it is one step.
template <class T>
CaseBody forward_in_parts(int64_t pixels, int c) {
  using S = compute_t<T>;
  if constexpr (sizeof(T) == sizeof(S)) {
    return {};
  } else {
    return [=](Stream s, const CaseArgs& a) {
      normalize_forward<S>(s, pixels, c, a.get<S>(2), a.get<S>(1), kStats);
      convert<T, S>(s, pixels * c, a.get<S>(2), 0.f, a.get<T>(0));
    };
  }
}

/// Widened where it is 16 bits, scaled, added where there is something to add to.
template <class T>
CaseBody backward_in_parts(int64_t pixels, int c, float sink) {
  using S = compute_t<T>;
  if (sizeof(T) == sizeof(S) && sink == 0) return {};
  return [=](Stream s, const CaseArgs& a) {
    S* to = a.get<S>(sink == 0 ? 0 : 2);
    const S* dy = to;
    if constexpr (sizeof(T) == sizeof(S))
      dy = a.get<S>(1);
    else
      convert<S, T>(s, pixels * c, a.get<T>(1), 0.f, to);
    normalize_backward<S>(s, pixels, c, 0.f, to, dy, kStats);
    if (sink != 0) axpby<S>(s, pixels * c, 1.f, to, sink, a.get<S>(0));
  };
}

template <class T>
void add_cases() {
  using S = compute_t<T>;
  const DType t = dtype_of<T>(), s = dtype_of<S>();
  const double tolerance = sizeof(T) == 2 ? 1.6e-2 : sizeof(T) == 4 ? 1e-6 : 1e-14;
  for (const int64_t pixels : std::initializer_list<int64_t>{0, 1, 7, 1000, 20001, kImages * kImageElements / 3})
    for (const int c : {1, 3, 8}) {
      const int64_t n = pixels * c;
      const std::string shape = cat(name(t), "/pixels=", pixels, "/channels=", c);
      add_case(
          {.kernel = "normalize",
           .name = "forward/" + shape,
           .size = size_of_case(n, kImages * kImageElements),
           .arrays = {{"y", Role::out, t, n}, {"x", Role::in, s, n, 0, 1}, {"wide", Role::scratch, s, t == s ? 0 : n}},
           .run = [=](Stream st,
                      const CaseArgs& a) { normalize_forward<T>(st, pixels, c, a.get<T>(0), a.get<S>(1), kStats); },
           .reference =
               [=](auto& a) {
                 for (int64_t i = 0; i < n; ++i) a[0][i] = (a[1][i] - kStats.mean[i % c]) / kStats.std[i % c];
               },
           .tolerance = tolerance,
           .bytes = double(n) * (sizeof(T) + sizeof(S)),
           .unfused = forward_in_parts<T>(pixels, c),
           .unfused_name = "normalise, convert",
           .known = known_if(t == s, as_known(pixels, c))});
      for (const float sink : {0.f, 1.f})
        add_case({.kernel = "normalize",
                  .name = cat("backward/", shape, "/sink=", sink),
                  .size = size_of_case(n, kImages * kImageElements),
                  .arrays = {{"dx", Role::inout, s, n},
                             {"dy", Role::in, t, n},
                             {"result", Role::scratch, s, sink == 0 ? 0 : n}},
                  .run =
                      [=](Stream st, const CaseArgs& a) {
                        normalize_backward<T>(st, pixels, c, sink, a.get<S>(0), a.get<T>(1), kStats);
                      },
                  .reference =
                      [=](auto& a) {
                        for (int64_t i = 0; i < n; ++i) a[0][i] = sink * a[0][i] + a[1][i] / kStats.std[i % c];
                      },
                  .tolerance = tolerance,
                  .bytes = n * (sizeof(T) + (1.0 + sink) * sizeof(S)),
                  .unfused = backward_in_parts<T>(pixels, c, sink),
                  .unfused_name = cat(t == s ? "scale" : "convert, scale", sink == 0 ? "" : ", axpby")});
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
