#include "kernels/axpby/sink_case.h"
#include "kernels/pad_image/pad_image.h"

namespace temper {
namespace {

/// f(element of the image, element of the padded image).
template <class F>
void each(const PadImage& p, F f) {
  int64_t i = 0;
  for (int64_t n = 0; n < p.n; ++n)
    for (int r = 0; r < p.h; ++r)
      for (int j = 0; j < p.w * p.c; ++j, ++i) f(i, (n * (p.h + p.below) + r) * (p.w + p.right) * p.c + j);
}

template <class T>
void add_cases(const PadImage& p, CaseSize size) {
  const DType t = dtype_of<T>();
  const int64_t inner = p.n * p.h * p.w * p.c, outer = p.n * (p.h + p.below) * (p.w + p.right) * p.c;
  const auto axes = [&](const char* op) {
    return std::vector<CaseAxis>{{"op", op}, {"dtype", t}, {"n", p.n},         {"h", p.h},
                                 {"w", p.w}, {"c", p.c},   {"below", p.below}, {"right", p.right}};
  };
  add_case({.kernel = "pad_image",
            .axes = axes("forward"),
            .size = size,
            .arrays = {{"y", Role::out, t, outer}, {"x", Role::in, t, inner}},
            .run = [p](Stream s, const CaseArgs& a) { pad_image_forward(s, p, a.get<T>(0), a.get<T>(1)); },
            .reference =
                [p](auto& a) {
                  for (double& y : a[0]) y = 0;
                  each(p, [&](int64_t i, int64_t o) { a[0][o] = a[1][i]; });
                },
            .tolerance = 0,
            .bytes = static_cast<double>((inner + outer) * sizeof(T))});
  for (const float beta : {0.f, 1.f}) {
    std::vector<CaseAxis> with_beta = axes("backward");
    with_beta.push_back({"beta", beta});
    add_case(with_sink<T>(
        {.kernel = "pad_image",
         .axes = with_beta,
         .size = size,
         .arrays = {{"dx", Role::inout, t, inner}, {"dy", Role::in, t, outer}},
         .reference = [p,
                       beta](auto& a) { each(p, [&](int64_t i, int64_t o) { a[0][i] = beta * a[0][i] + a[1][o]; }); },
         .tolerance = sizeof(T) == 2 ? 8e-3 : 1e-7,
         .bytes = (2.0 + beta) * inner * sizeof(T)},
        {.to = 0, .n = inner, .beta = beta},
        [p](Stream s, const CaseArgs& a, float beta, T* dx) { pad_image_backward(s, p, beta, dx, a.get<T>(1)); }));
  }
}

template <class T>
void add_all() {
  add_cases<T>({.n = 0, .h = 3, .w = 4, .c = 2, .below = 1, .right = 1}, CaseSize::test);
  add_cases<T>({.n = 3, .h = 5, .w = 7, .c = 3, .below = 1, .right = 2}, CaseSize::test);
  add_cases<T>({.n = 2, .h = 4, .w = 4, .c = 16, .below = 0, .right = 1}, CaseSize::test);
  add_cases<T>({.n = 2, .h = 4, .w = 3, .c = 8, .below = 2, .right = 0}, CaseSize::test);
  add_cases<T>({.n = 64, .h = 32, .w = 32, .c = 160, .below = 1, .right = 1}, CaseSize::network);
}

const CaseGroup group([] {
  add_all<float>();
  add_all<double>();
  add_all<bfloat16>();
  add_all<float16>();
});

}  // namespace
}  // namespace temper
