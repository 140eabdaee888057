#include "kernels/cosine/cosine.h"

#include <cmath>

#include "kernels/runtime/row.h"

namespace temper {

namespace {

template <class T>
struct Cosine {
  T *loss, *da, *db;
  const T *a, *b;

  /// d(1 - cos)/dx, where y is the other side.
  TEMPER_HD static void gradient(const Row& row, T* dx, const T* x, const T* y, T x_norm, T y_norm, T cos) {
    const T direction = x_norm > T(kLeast) ? T(1) / x_norm : T(0), along_y = T(1) / y_norm, along_x = cos / x_norm;
    row.each([&](int, T& d, T x, T y) { d = direction * (along_x * x - along_y * y); }, write(dx + row.at(0)),
             x + row.at(0), y + row.at(0));
  }
  TEMPER_HD void operator()(const Row& row) const {
    const auto length = [&](const T* x) {
      const T norm = std::sqrt(row.sum([](int, T v) { return v * v; }, x + row.at(0)));
      return norm > T(kLeast) ? norm : T(kLeast);
    };
    const T a_norm = length(a), b_norm = length(b);
    const T cos = row.sum([](int, T a, T b) { return a * b; }, a + row.at(0), b + row.at(0)) / a_norm / b_norm;
    row.once([&] { loss[row.index] = T(1) - cos; });
    if (da) gradient(row, da, a, b, a_norm, b_norm, cos);
    if (db) gradient(row, db, b, a, b_norm, a_norm, cos);
  }

 private:
  static constexpr double kLeast = 1e-8;
};

}  // namespace

template <class T>
void cosine_distance(Stream stream, int64_t rows, int cols, T* loss, T* da, T* db, const T* a, const T* b) {
  const KernelRange range(stream, "cosine_distance", {rows, cols});
  for_each_row(stream, rows, cols, Cosine<T>{loss, da, db, a, b});
}

#define TEMPER_INSTANTIATE(T) template void cosine_distance<T>(Stream, int64_t, int, T*, T*, T*, const T*, const T*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)

}  // namespace temper
