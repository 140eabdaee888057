#include "kernels/plain_conv/plain_conv.h"

#include "kernels/runtime/case.h"

namespace temper {
namespace {

using Arrays = std::vector<std::vector<double>>;

/// f(index of x, index of the filter, index of y) for every product of the convolution.
template <class F>
void for_each_product(const PlainConvShape& g, F f) {
  for (int64_t n = 0; n < g.n; ++n)
    for (int64_t p = 0; p < g.p(); ++p)
      for (int64_t q = 0; q < g.q(); ++q)
        for (int64_t r = 0; r < g.r; ++r)
          for (int64_t s = 0; s < g.s; ++s) {
            const int64_t h = p * g.stride + r - g.pad, w = q * g.stride + s - g.pad;
            if (h < 0 || h >= g.h || w < 0 || w >= g.w) continue;
            for (int64_t k = 0; k < g.k; ++k)
              for (int64_t c = 0; c < g.c; ++c)
                f(((n * g.h + h) * g.w + w) * g.c + c, ((k * g.r + r) * g.s + s) * g.c + c,
                  ((n * g.p() + p) * g.q() + q) * g.k + k);
          }
}

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  const PlainConvShape shapes[] = {{.n = 2, .h = 5, .w = 6, .c = 3, .k = 4, .r = 3, .s = 3, .stride = 1, .pad = 1},
                                   {.n = 3, .h = 7, .w = 8, .c = 5, .k = 2, .r = 3, .s = 2, .stride = 2, .pad = 1},
                                   {.n = 1, .h = 6, .w = 6, .c = 8, .k = 3, .r = 1, .s = 1, .stride = 2, .pad = 0},
                                   {.n = 2, .h = 36, .w = 36, .c = 1, .k = 2, .r = 3, .s = 3, .stride = 1, .pad = 1}};
  for (const PlainConvShape& g : shapes) {
    const int64_t sizes[] = {g.n * g.h * g.w * g.c, g.k * g.r * g.s * g.c, g.n * g.p() * g.q() * g.k};
    const auto add = [&](const char* pass, size_t out, size_t a, size_t b, auto run) {
      for (const int64_t count : {int64_t{0}, int64_t{1}, int64_t{33}, sizes[out]})
        add_case({.kernel = "plain_conv",
                  .axes = {{"op", pass}, {"dtype", t}, {"c", g.c}, {"h", g.h}, {"stride", g.stride}, {"count", count}},
                  .arrays = {{"sum", Role::out, DType::f32, count},
                             {"at", Role::in, DType::i64, count, 0, double(sizes[out] - 1)},
                             {"a", Role::in, t, sizes[a]},
                             {"b", Role::in, t, sizes[b]}},
                  .run =
                      [g, count, run](Stream s, const CaseArgs& args) {
                        run(s, g, count, args.get<float>(0), args.get<const int64_t>(1), args.get<const T>(2),
                            args.get<const T>(3));
                      },
                  .reference =
                      [g, count, out, a, b, n = sizes[out]](Arrays& arrays) {
                        std::vector<double> whole(n);
                        for_each_product(g, [&](int64_t x, int64_t w, int64_t y) {
                          const int64_t at[] = {x, w, y};
                          whole[at[out]] += arrays[2][at[a]] * arrays[3][at[b]];
                        });
                        for (int64_t i = 0; i < count; ++i) arrays[0][i] = whole[static_cast<int64_t>(arrays[1][i])];
                      },
                  .tolerance = 2e-6});
    };
    add("forward", 2, 0, 1, plain_conv_forward<T>);
    add("data", 0, 2, 1, plain_conv_data<T>);
    add("filter", 1, 0, 2, plain_conv_filter<T>);
  }
  for (const int64_t n : kCaseSizes)
    add_case(
        {.kernel = "plain_conv",
         .axes = {{"op", "pick"}, {"dtype", t}, {"n", n}},
         .arrays = {{"y", Role::out, DType::f32, n}, {"at", Role::in, DType::i64, n, 0, 49}, {"x", Role::in, t, 50}},
         .run = [n](Stream s,
                    const CaseArgs& a) { pick(s, n, a.get<float>(0), a.get<const int64_t>(1), a.get<const T>(2)); },
         .reference =
             [n](Arrays& a) {
               for (int64_t i = 0; i < n; ++i) a[0][i] = a[2][static_cast<int64_t>(a[1][i])];
             },
         .tolerance = 0});
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<bfloat16>();
  add_cases<float16>();
});

}  // namespace
}  // namespace temper
