#include "kernels/cut_mix/cut_mix.h"

#include <algorithm>
#include <cmath>

#include "kernels/runtime/case.h"

namespace temper {
namespace {

/// Every pixel asks whether it is in the box.
void reference(const CutMix& o, int64_t n, std::vector<std::vector<double>>& a) {
  const int64_t image = int64_t{o.h} * o.w * o.c;
  for (int64_t i = 0; i < n; ++i) {
    const auto id = static_cast<uint32_t>(a[5][i]);
    const auto pick = [&](uint32_t word, int64_t count) { return static_cast<int64_t>(uint64_t{word} * count >> 32); };
    const Philox4 words = random_words(o.key, id, 0);
    const bool mixed = n > 1 && uniform01(words.x[0]) < o.probability;
    const float cut = std::sqrt(1.f - uniform01(words.x[1]));
    const int64_t half_h = mixed ? static_cast<int>(o.h * cut) / 2 : 0,
                  half_w = mixed ? static_cast<int>(o.w * cut) / 2 : 0;
    const int64_t p = pick(words.x[2], o.h), q = pick(words.x[3], o.w);
    std::vector<int64_t> others;
    for (int64_t k = 0; k < n; ++k)
      if (k != i) others.push_back(k);
    const int64_t j = mixed ? others[pick(random_words(o.key, id, 1).x[0], n - 1)] : i;
    int64_t inside = 0;
    for (int64_t r = 0; r < o.h; ++r)
      for (int64_t s = 0; s < o.w; ++s) {
        const bool in = r >= p - half_h && r < p + half_h && s >= q - half_w && s < q + half_w;
        inside += in;
        for (int64_t k = 0; k < o.c; ++k) {
          const int64_t at = (r * o.w + s) * o.c + k;
          a[0][i * image + at] = a[3][(in ? j : i) * image + at];
        }
      }
    a[1][i] = a[4][j];
    a[2][i] = static_cast<double>(inside) / (o.h * o.w);
  }
}

template <class T>
void add(int64_t n, CutMix o, CaseSize size = CaseSize::test) {
  o.key = {.seed = 5, .stream_id = RngStreamId::augment, .step = 3};
  const DType t = dtype_of<T>();
  const int64_t all = n * o.h * o.w * o.c;
  add_case({.kernel = "cut_mix",
            .axes = {{"dtype", t}, {"n", n}, {"h", o.h}, {"w", o.w}, {"c", o.c}, {"p", o.probability}},
            .size = size,
            .arrays = {{"y", Role::out, t, all},
                       {"other", Role::out, DType::i32, n},
                       {"share", Role::out, t, n},
                       {"x", Role::in, t, all},
                       {"labels", Role::in, DType::i32, n, 0, 9},
                       {"ids", Role::in, DType::i32, n, 0, 50000}},
            .run =
                [n, o](Stream s, const CaseArgs& a) {
                  cut_mix(s, n, o, a.get<T>(0), a.get<int32_t>(1), a.get<T>(2), a.get<T>(3), a.get<int32_t>(4),
                          a.get<int32_t>(5));
                },
            .reference = [n, o](auto& a) { reference(o, n, a); },
            .tolerance = sizeof(T) == 4 ? 1e-7 : 1e-15,
            .bytes = static_cast<double>(2 * all * sizeof(T))});
}

const CaseGroup group([] {
  for (const int64_t n : {0, 1, 2, 33})
    for (const float p : {0.f, 0.5f, 1.f}) add<float>(n, {.h = 7, .w = 9, .c = 3, .probability = p});
  add<double>(12, {.h = 8, .w = 8, .c = 1});
  add<float>(20, {.h = 9, .w = 8, .c = 4});
  add<float>(kImages, {.h = 32, .w = 32, .c = 3}, CaseSize::network);
});

}  // namespace
}  // namespace temper
