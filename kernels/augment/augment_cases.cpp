#include "kernels/augment/augment.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

constexpr int kSet = 40;  // images in the data set

/// The padded image written out, then cropped, then mirrored; a pixel `white` is 1.
void reference(const AugmentOptions& o, double white, int64_t n, std::vector<std::vector<double>>& a) {
  const int p = o.crop_pad, ph = o.h + 2 * p, pw = o.w + 2 * p;
  for (int64_t i = 0; i < n; ++i) {
    const int id = static_cast<int>(a[1][i]);
    const int64_t image = o.images == AugmentOptions::Images::by_id ? id : i;
    std::vector<double> padded(ph * pw * o.c, 0);
    for (int r = 0; r < ph; ++r)
      for (int s = 0; s < pw; ++s) {
        int u = r - p, v = s - p;
        if (o.padding == Padding::reflect) {
          u = u < 0 ? -u : u >= o.h ? 2 * o.h - 2 - u : u;
          v = v < 0 ? -v : v >= o.w ? 2 * o.w - 2 - v : v;
        }
        if (u < 0 || u >= o.h || v < 0 || v >= o.w) continue;
        for (int c = 0; c < o.c; ++c)
          padded[(r * pw + s) * o.c + c] = a[0][((image * o.h + u) * o.w + v) * o.c + c] / white;
      }
    const Philox4 words = random_words(o.key, id, 0);
    const int out_h = o.out_h(), out_w = o.out_w();
    const int dy = static_cast<int>(uint64_t{words.x[0]} * (ph - out_h + 1) >> 32);
    const int dx = static_cast<int>(uint64_t{words.x[1]} * (pw - out_w + 1) >> 32);
    const bool mirror = o.flip == Flip::random && words.x[2] >= 0x80000000u;
    const Philox4 more = random_words(o.key, id, 1);
    const int p0 = static_cast<int>(uint64_t{more.x[0]} * out_h >> 32) - o.cutout / 2;
    const int q0 = static_cast<int>(uint64_t{more.x[1]} * out_w >> 32) - o.cutout / 2;
    const int hole = o.cutout / 2 * 2;
    for (int r = 0; r < out_h; ++r)
      for (int s = 0; s < out_w; ++s)
        for (int c = 0; c < o.c; ++c)
          a[2][((i * out_h + r) * out_w + s) * o.c + c] =
              r >= p0 && r < p0 + hole && s >= q0 && s < q0 + hole
                  ? 0
                  : padded[((r + dy) * pw + (mirror ? out_w - 1 - s : s) + dx) * o.c + c];
  }
}

template <class T, class P = uint8_t>
void add_cases(int64_t n, AugmentOptions o, double bytes_timed) {
  const double white = sizeof(P) == 1 ? 255 : 1;
  o.key = {.seed = 5, .stream_id = RngStreamId::augment, .step = 3};
  const int64_t image = int64_t{o.h} * o.w * o.c, crop = int64_t{o.out_h()} * o.out_w() * o.c;
  add_case(
      {.kernel = "augment",
       .name = cat(name(dtype_of<T>()), sizeof(P) == 1 ? "/" : "/of_f32/", o.h, "x", o.w, "x", o.c, "/crop=", o.out_h(),
                   "x", o.out_w(), "/pad=", o.crop_pad, o.padding == Padding::reflect ? "/reflect" : "/zero",
                   o.flip == Flip::random ? "/flip" : "", o.cutout ? cat("/cutout=", o.cutout) : "",
                   o.images == AugmentOptions::Images::in_order ? "/in_order" : "", "/n=", n),
       .arrays = {{"images", Role::in, dtype_of<P>(), kSet * image, 0, white},
                  {"ids", Role::in, DType::i32, n, 0, kSet - 1},
                  {"y", Role::out, dtype_of<T>(), n * crop}},
       .run = [=](Stream s, const CaseArgs& a) { augment(s, n, a.get<P>(0), a.get<int32_t>(1), a.get<T>(2), o); },
       .reference = [=](auto& a) { reference(o, white, n, a); },
       .tolerance = sizeof(T) == 4 ? 1e-7 : 1e-15,
       .bytes = bytes_timed});
}

const CaseGroup group([] {
  for (const Padding padding : {Padding::zero, Padding::reflect})
    for (const Flip flip : {Flip::none, Flip::random})
      for (const int c : {1, 2, 3})
        for (const int64_t n : {0, 1, 33})
          add_cases<float>(n, {.h = 7, .w = 9, .c = c, .crop_pad = 4, .padding = padding, .flip = flip}, 0);
  add_cases<double>(5, {.h = 6, .w = 5, .c = 3, .crop_pad = 2, .flip = Flip::random}, 0);
  add_cases<float>(33, {.h = 5, .w = 4, .c = 3}, 0);
  for (const int c : {1, 2, 3})
    add_cases<float, float>(33, {.h = 7, .w = 9, .c = c, .crop_pad = 4, .flip = Flip::random}, 0);
  add_cases<double, float>(5, {.h = 6, .w = 5, .c = 3, .padding = Padding::reflect, .flip = Flip::random}, 0);
  for (const Padding padding : {Padding::zero, Padding::reflect})  // rows that a GPU writes 16 bytes at a time
    add_cases<float>(1, {.h = 7, .w = 32, .c = 3, .crop_pad = 4, .padding = padding, .flip = Flip::random}, 0);
  add_cases<float>(33, {.h = 9, .w = 8, .c = 3, .crop_h = 5, .crop_w = 6}, 0);
  for (const Padding padding : {Padding::zero, Padding::reflect})
    add_cases<float>(
        33, {.h = 9, .w = 8, .c = 1, .crop_h = 7, .crop_w = 8, .crop_pad = 2, .padding = padding, .flip = Flip::random},
        0);
  add_cases<float>(
      33, {.h = 7, .w = 9, .c = 3, .crop_pad = 4, .flip = Flip::random, .images = AugmentOptions::Images::in_order}, 0);
  for (const int cutout : {1, 4, 5, 20})
    add_cases<float>(33, {.h = 9, .w = 8, .c = 3, .crop_pad = 2, .flip = Flip::random, .cutout = cutout}, 0);
  add_cases<float>(128, {.h = 32, .w = 32, .c = 3, .crop_pad = 4, .flip = Flip::random}, 128 * 3072 * 5.0);
  add_cases<float>(128, {.h = 28, .w = 28, .c = 1}, 128 * 784 * 5.0);
});

}  // namespace
}  // namespace temper
