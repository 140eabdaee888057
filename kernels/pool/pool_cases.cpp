#include "kernels/pool/pool.h"

#include "kernels/axpby/sink_case.h"
#include "kernels/relu/relu.h"

namespace temper {
namespace {

using Arrays = std::vector<std::vector<double>>;

double tolerance(size_t size) { return size == 2 ? 1.6e-2 : size == 4 ? 1e-6 : 1e-14; }

/// f(output element, input element, place in the window) for every pair of a window and a pixel in it.
template <class F>
void each_pair(const PoolShape& g, F f) {
  for (int64_t n = 0; n < g.n; ++n)
    for (int64_t p = 0; p < g.p(); ++p)
      for (int64_t q = 0; q < g.q(); ++q)
        for (int k = 0; k < g.size * g.size; ++k)
          for (int c = 0; c < g.c; ++c) {
            const int64_t h = p * g.stride - g.pad + k / g.size, w = q * g.stride - g.pad + k % g.size;
            if (h < 0 || h >= g.h || w < 0 || w >= g.w) continue;
            f(((n * g.p() + p) * g.q() + q) * g.c + c, ((n * g.h + h) * g.w + w) * g.c + c, k);
          }
}

template <class T>
void add_pool_cases(const PoolShape& g) {
  const DType t = dtype_of<T>();
  const int64_t in = g.n * g.h * g.w * g.c, out = g.n * g.p() * g.q() * g.c;
  const std::string shape =
      cat(name(t), "/x=", g.n, "x", g.h, "x", g.w, "x", g.c, "/size=", g.size, "/stride=", g.stride, "/pad=", g.pad);
  add_case(
      {.kernel = "pool",
       .name = "max_forward/" + shape,
       .arrays = {{"y", Role::out, t, out}, {"argmax", Role::out, DType::u8, out, 0, 9}, {"x", Role::in, t, in}},
       .run = [=](Stream s, const CaseArgs& a) { max_pool_forward(s, g, a.get<T>(0), a.get<uint8_t>(1), a.get<T>(2)); },
       .reference =
           [=](Arrays& a) {
             std::fill(a[0].begin(), a[0].end(), -1e30);
             each_pair(g, [&](int64_t o, int64_t i, int k) {
               if (a[2][i] <= a[0][o]) return;
               a[0][o] = a[2][i];
               a[1][o] = k;
             });
           },
       .tolerance = 0,
       .bytes = double(in + out) * sizeof(T) + out});
  add_case({.kernel = "pool",
            .name = "avg_forward/" + shape,
            .arrays = {{"y", Role::out, t, out}, {"x", Role::in, t, in}},
            .run = [=](Stream s, const CaseArgs& a) { avg_pool_forward(s, g, a.get<T>(0), a.get<T>(1)); },
            .reference =
                [=](Arrays& a) {
                  std::fill(a[0].begin(), a[0].end(), 0);
                  each_pair(g, [&](int64_t o, int64_t i, int) { a[0][o] += a[1][i] / (g.size * g.size); });
                },
            .tolerance = tolerance(sizeof(T)),
            .bytes = double(in + out) * sizeof(T)});
  for (const float sink : {0.f, 1.f}) {
    add_case(with_sink<T>({.kernel = "pool",
                           .name = cat("max_backward/", shape, "/sink=", sink),
                           .arrays = {{"dx", Role::inout, t, in},
                                      {"dy", Role::in, t, out},
                                      {"argmax", Role::in, DType::u8, out, 0, double(g.size * g.size - 1)}},
                           .reference =
                               [=](Arrays& a) {
                                 for (double& v : a[0]) v *= sink;
                                 each_pair(g,
                                           [&](int64_t o, int64_t i, int k) { a[0][i] += a[2][o] == k ? a[1][o] : 0; });
                               },
                           .tolerance = tolerance(sizeof(T)),
                           .bytes = ((1.0 + sink) * in + out) * sizeof(T) + out},
                          {.to = 0, .n = in, .beta = sink}, [g](Stream s, const CaseArgs& a, float sink, T* dx) {
                            max_pool_backward(s, g, sink, dx, a.get<T>(1), a.get<uint8_t>(2));
                          }));
    add_case(with_sink<T>(
        {.kernel = "pool",
         .name = cat("avg_backward/", shape, "/sink=", sink),
         .arrays = {{"dx", Role::inout, t, in}, {"dy", Role::in, t, out}},
         .reference =
             [=](Arrays& a) {
               for (double& v : a[0]) v *= sink;
               each_pair(g, [&](int64_t o, int64_t i, int) { a[0][i] += a[1][o] / (g.size * g.size); });
             },
         .tolerance = tolerance(sizeof(T)),
         .bytes = ((1.0 + sink) * in + out) * sizeof(T)},
        {.to = 0, .n = in, .beta = sink},
        [g](Stream s, const CaseArgs& a, float sink, T* dx) { avg_pool_backward(s, g, sink, dx, a.get<T>(1)); }));
  }
}

template <class T>
void add_global_cases(int64_t n, int64_t pixels, int c) {
  using S = compute_t<T>;
  const DType t = dtype_of<T>(), s = dtype_of<S>();
  const int64_t all = n * pixels * c;
  const std::string shape = cat(name(t), "/x=", n, "x", pixels, "x", c);
  const CaseSize size = size_of_case(all, kImages * 4 * 4 * 512);
  const auto column = [=](int64_t i) { return i / (pixels * c) * c + i % c; };
  add_case({.kernel = "pool",
            .name = "global_forward/" + shape,
            .size = size,
            .arrays = {{"y", Role::out, s, n * c}, {"x", Role::in, t, all}},
            .run = [=](Stream st,
                       const CaseArgs& a) { global_avg_pool_forward<T>(st, n, pixels, c, a.get<S>(0), a.get<T>(1)); },
            .reference =
                [=](Arrays& a) {
                  std::fill(a[0].begin(), a[0].end(), 0);
                  for (int64_t i = 0; i < all; ++i) a[0][column(i)] += a[1][i] / pixels;
                },
            .tolerance = sizeof(S) == 4 ? 1e-6 : 1e-14,
            .bytes = double(all) * sizeof(T),
            .known = known::Average{.n = n, .pixels = pixels, .c = c, .x = 1, .y = 0}});
  for (const float sink : {0.f, 1.f}) {
    add_case(with_sink<T>({.kernel = "pool",
                           .name = cat("global_backward/", shape, "/sink=", sink),
                           .size = size,
                           .arrays = {{"dx", Role::inout, t, all}, {"dy", Role::in, s, n * c}},
                           .reference =
                               [=](Arrays& a) {
                                 for (int64_t i = 0; i < all; ++i) a[0][i] = sink * a[0][i] + a[1][column(i)] / pixels;
                               },
                           .tolerance = tolerance(sizeof(T)),
                           .bytes = (1.0 + sink) * all * sizeof(T),
                           .known = known::AverageGradient{.n = n, .pixels = pixels, .c = c, .dy = 1, .dx = 0}},
                          {.to = 0, .n = all, .beta = sink}, [=](Stream st, const CaseArgs& a, float sink, T* dx) {
                            global_avg_pool_backward<T>(st, n, pixels, c, sink, dx, a.get<S>(1));
                          }));
    add_case({.kernel = "pool",
              .name = cat("global_backward_relu/", shape, "/sink=", sink),
              .size = size,
              .arrays = {{"dx", Role::inout, t, all}, {"dy", Role::in, s, n * c}, {"mask", Role::in, t, all}},
              .run =
                  [=](Stream st, const CaseArgs& a) {
                    global_avg_pool_backward<T>(st, n, pixels, c, sink, a.get<T>(0), a.get<S>(1), a.get<T>(2));
                  },
              .reference =
                  [=](Arrays& a) {
                    for (int64_t i = 0; i < all; ++i)
                      a[0][i] = a[2][i] > 0 ? sink * a[0][i] + a[1][column(i)] / pixels : 0;
                  },
              .tolerance = tolerance(sizeof(T)),
              .bytes = (2.0 + sink) * all * sizeof(T),
              .unfused =
                  [=](Stream st, const CaseArgs& a) {
                    T* dx = a.get<T>(0);
                    global_avg_pool_backward<T>(st, n, pixels, c, sink, dx, a.get<S>(1));
                    relu_backward<T>(st, all, a.get<T>(2), dx, 0.f, dx);
                  },
              .unfused_name = "backward, relu backward"});
    add_case(with_sink<T>({.kernel = "pool",
                           .name = cat("transpose/", shape, "/sink=", sink),
                           .size = size,
                           .arrays = {{"y", Role::inout, t, all}, {"x", Role::in, t, all}},
                           .reference =
                               [=](Arrays& a) {
                                 for (int64_t i = 0; i < all; ++i) {
                                   double& y = a[0][(i / (pixels * c) * c + i % c) * pixels + i / c % pixels];
                                   y = sink * y + a[1][i];
                                 }
                               },
                           .tolerance = tolerance(sizeof(T)),
                           .bytes = (2.0 + sink) * all * sizeof(T),
                           .known = known::Transpose{.n = n, .a = pixels, .b = c, .x = 1, .y = 0}},
                          {.to = 0, .n = all, .beta = sink}, [=](Stream st, const CaseArgs& a, float sink, T* y) {
                            transpose(st, n, pixels, c, sink, y, a.get<T>(1));
                          }));
  }
}

template <class T>
void add_shortcut_cases(const ShortcutShape& g) {
  const DType t = dtype_of<T>();
  const int64_t in = g.n * g.h * g.w * g.c, out = g.n * g.p() * g.q() * g.wide;
  const std::string shape = cat(name(t), "/x=", g.n, "x", g.h, "x", g.w, "x", g.c, "/stride=", g.stride,
                                "/wide=", g.wide, "/front=", g.front);
  const auto each = [=](auto f) {  // f(output element, input element) where x survives
    for (int64_t o = 0; o < out; ++o) {
      const int64_t c = o % g.wide - g.front, q = o / g.wide % g.q(), p = o / (g.wide * g.q()) % g.p();
      const int64_t n = o / (g.wide * g.q() * g.p());
      if (c >= 0 && c < g.c) f(o, ((n * g.h + p * g.stride) * g.w + q * g.stride) * g.c + c);
    }
  };
  add_case({.kernel = "pool",
            .name = "shortcut_forward/" + shape,
            .arrays = {{"y", Role::out, t, out}, {"x", Role::in, t, in}},
            .run = [=](Stream s, const CaseArgs& a) { shortcut_pad_forward(s, g, a.get<T>(0), a.get<T>(1)); },
            .reference =
                [=](Arrays& a) {
                  std::fill(a[0].begin(), a[0].end(), 0);
                  each([&](int64_t o, int64_t i) { a[0][o] = a[1][i]; });
                },
            .tolerance = 0,
            .bytes = 2.0 * out * sizeof(T)});
  for (const float sink : {0.f, 1.f})
    add_case(with_sink<T>({.kernel = "pool",
                           .name = cat("shortcut_backward/", shape, "/sink=", sink),
                           .arrays = {{"dx", Role::inout, t, in}, {"dy", Role::in, t, out}},
                           .reference =
                               [=](Arrays& a) {
                                 for (double& v : a[0]) v *= sink;
                                 each([&](int64_t o, int64_t i) { a[0][i] += a[1][o]; });
                               },
                           .tolerance = tolerance(sizeof(T)),
                           .bytes = ((1.0 + sink) * in + out) * sizeof(T)},
                          {.to = 0, .n = in, .beta = sink}, [g](Stream s, const CaseArgs& a, float sink, T* dx) {
                            shortcut_pad_backward(s, g, sink, dx, a.get<T>(1));
                          }));
}

template <class T>
void add_all() {
  add_global_cases<T>(kImages, 4 * 4, 512);
  for (const int c : {1, 3, 10, 16, 64, 100}) {
    add_pool_cases<T>({.n = 2, .h = 7, .w = 6, .c = c, .size = 2, .stride = 2, .pad = 0});
    add_pool_cases<T>({.n = 2, .h = 7, .w = 6, .c = c, .size = 3, .stride = 2, .pad = 1});
    add_pool_cases<T>({.n = 1, .h = 5, .w = 9, .c = c, .size = 3, .stride = 1, .pad = 1});
    for (const int64_t pixels : {1, 7, 1000}) add_global_cases<T>(3, pixels, c);
    add_shortcut_cases<T>({.n = 2, .h = 7, .w = 6, .c = c, .stride = 2, .wide = 2 * c, .front = c / 2});
    add_shortcut_cases<T>({.n = 1, .h = 3, .w = 3, .c = c, .stride = 1, .wide = c + 3, .front = 1});
  }
}

const CaseGroup group([] {
  add_all<float>();
  add_all<double>();
  add_all<bfloat16>();
  add_all<float16>();
});

}  // namespace
}  // namespace temper
