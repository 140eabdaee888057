#include "kernels/augment/augment.h"

#include "kernels/runtime/row.h"

namespace temper {

namespace {

TEMPER_HD int below(uint32_t word, int count) {
  return static_cast<int>((uint64_t{word} * static_cast<uint32_t>(count)) >> 32);
}

TEMPER_HD int reflected(int i, int size) {
  i = i < 0 ? -i : i;
  return i < size ? i : 2 * (size - 1) - i;
}

template <class T>
TEMPER_HD T scaled(uint8_t pixel) {
  return T(pixel) / T(255);
}
template <class T>
TEMPER_HD T scaled(float pixel) {
  return T(pixel);
}

/// A row of one output image; the columns run over pixels and channels. C: the channels, 0 where only known at run
/// time.
template <class P, class T, int C>
struct AugmentRow {
  const P* images;
  const int32_t* ids;
  T* y;
  AugmentOptions o;

  TEMPER_HD void operator()(const Row& row) const {
    const int channels = C ? C : o.c;
    const int out_h = o.out_h(), out_w = o.out_w();
    const int64_t i = row.index / out_h;
    const int id = ids[i];
    int top = static_cast<int>(row.index % out_h), left = 0;
    bool flip = false;
    if (o.crop_pad || out_h < o.h || out_w < o.w || o.flip == Flip::random) {
      const Philox4 words = random_words(o.key, static_cast<uint32_t>(id), 0);
      top += below(words.x[0], o.h - out_h + 2 * o.crop_pad + 1) - o.crop_pad;
      left += below(words.x[1], o.w - out_w + 2 * o.crop_pad + 1) - o.crop_pad;
      flip = o.flip == Flip::random && words.x[2] >> 31;
    }
    const auto to = write(y + row.at(0));
    int hole = 0, hole_end = 0;
    if (o.cutout > 0) {
      const Philox4 words = random_words(o.key, static_cast<uint32_t>(id), 1);
      const int r = static_cast<int>(row.index % out_h), p = below(words.x[0], out_h), q = below(words.x[1], out_w);
      if (r >= p - o.cutout / 2 && r < p + o.cutout / 2) hole = q - o.cutout / 2, hole_end = q + o.cutout / 2;
    }
    if (o.padding == Padding::reflect) top = reflected(top, o.h);
    if (top < 0 || top >= o.h) {
      row.each([](int, T& to) { to = T(0); }, to);
      return;
    }
    const int64_t image = o.images == AugmentOptions::Images::by_id ? int64_t{id} : i;
    const P* from = images + (image * o.h + top) * o.w * channels;
    const auto value = [&](int j, T& to) {
      int x = j / channels;
      const int channel = j - x * channels;
      const bool out = x >= hole && x < hole_end;
      x = (flip ? out_w - 1 - x : x) + left;
      if (o.padding == Padding::reflect) x = reflected(x, o.w);
      to = out || x < 0 || x >= o.w ? T(0) : scaled<T>(from[x * channels + channel]);
    };
    row.each(value, to);
  }
};

}  // namespace

template <class P, class T>
void augment(Stream stream, int64_t n, const P* images, const int32_t* ids, T* y, const AugmentOptions& o) {
  const KernelRange range(stream, "augment", {n});
  const int64_t rows = n * o.out_h();
  const int cols = o.out_w() * o.c;
  if (o.c == 1)
    for_each_row(stream, rows, cols, AugmentRow<P, T, 1>{images, ids, y, o});
  else if (o.c == 3)
    for_each_row(stream, rows, cols, AugmentRow<P, T, 3>{images, ids, y, o});
  else
    for_each_row(stream, rows, cols, AugmentRow<P, T, 0>{images, ids, y, o});
}

#define TEMPER_AUGMENT(P, T) \
  template void augment<P, T>(Stream, int64_t, const P*, const int32_t*, T*, const AugmentOptions&)
TEMPER_AUGMENT(uint8_t, float);
TEMPER_AUGMENT(uint8_t, double);
TEMPER_AUGMENT(float, float);
TEMPER_AUGMENT(float, double);
#undef TEMPER_AUGMENT

}  // namespace temper
