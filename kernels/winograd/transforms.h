#pragma once
// Winograd's algorithm for 3x3 convolutions: the transforms, along one axis, over a vector type Vec. In two dimensions
// they are applied to columns and then to rows.
//
// A transform's members say how kIn pixels of an input tile become kInputs values (transform_input), three taps of a
// filter kTapValues values (transform_taps), and kProducts sums of products kOut outputs (transform_output). Term t of
// kTerms multiplies input value input(t) by tap value filter(t) and adds the product to sum product(t). Input tiles are
// kStep pixels apart. Rows of inputs from kInputParts[i] on, and the rows of outputs kOutputParts[i], are computed
// together, so few that they stay in registers. For the filter gradient transform_gradient is the transpose of
// transform_output, and transform_sums that of transform_taps.
#include <cstdint>

namespace temper::winograd {

inline constexpr int kTapValues = 6, kFilterPoints = kTapValues * kTapValues;

/// Stride 1: F(4x4, 3x3) (Lavin and Gray, 2016). The points of interpolation are 0, a, -a, b, -b and infinity: with
/// these a and b the error in f32 is twice that of a direct convolution; with the usual 1 and 2 it is five times that.
template <class V>
struct Stride1 {
  using Vec = V;
  static constexpr int kIn = 6, kStep = 4, kOut = 4, kInputs = 6, kProducts = 6, kTerms = 6;
  static constexpr int kInputParts[] = {0, 3, 6}, kOutputParts[1][4] = {{0, 1, 2, 3}};
  static constexpr float kA = 0.625f, kB = 1.5f, kA2 = kA * kA, kB2 = kB * kB;
  static constexpr int input(int term) { return term; }
  static constexpr int filter(int term) { return term; }
  static constexpr int product(int term) { return term; }

  static void transform_input(const Vec d[kIn], Vec v[kInputs]) {
    const Vec a = Vec::broadcast(kA), b = Vec::broadcast(kB), minus_a2 = Vec::broadcast(-kA2),
              minus_b2 = Vec::broadcast(-kB2);
    const Vec product = Vec::broadcast(kA2 * kB2), minus_sum = Vec::broadcast(-(kA2 + kB2));
    const Vec even_a = fma(minus_b2, d[2], d[4]), odd_a = a * fma(minus_b2, d[1], d[3]);
    const Vec even_b = fma(minus_a2, d[2], d[4]), odd_b = b * fma(minus_a2, d[1], d[3]);
    v[0] = fma(product, d[0], fma(minus_sum, d[2], d[4]));
    v[1] = even_a + odd_a;
    v[2] = even_a - odd_a;
    v[3] = even_b + odd_b;
    v[4] = even_b - odd_b;
    v[5] = fma(product, d[1], fma(minus_sum, d[3], d[5]));
  }
  static void transform_taps(const Vec g[3], Vec u[kTapValues]) {
    const Vec even_a = Vec::broadcast(0.5f / (kA2 * (kA2 - kB2))) * fma(Vec::broadcast(kA2), g[2], g[0]);
    const Vec odd_a = Vec::broadcast(0.5f * kA / (kA2 * (kA2 - kB2))) * g[1];
    const Vec even_b = Vec::broadcast(0.5f / (kB2 * (kB2 - kA2))) * fma(Vec::broadcast(kB2), g[2], g[0]);
    const Vec odd_b = Vec::broadcast(0.5f * kB / (kB2 * (kB2 - kA2))) * g[1];
    u[0] = Vec::broadcast(1 / (kA2 * kB2)) * g[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[2];
  }
  static void transform_output(const Vec m[kProducts], Vec y[kOut]) {
    const Vec sum_a = m[1] + m[2], difference_a = m[1] - m[2], sum_b = m[3] + m[4], difference_b = m[3] - m[4];
    y[0] = m[0] + (sum_a + sum_b);
    y[1] = fma(Vec::broadcast(kA), difference_a, Vec::broadcast(kB) * difference_b);
    y[2] = fma(Vec::broadcast(kA2), sum_a, Vec::broadcast(kB2) * sum_b);
    y[3] = fma(Vec::broadcast(kA2 * kA), difference_a, fma(Vec::broadcast(kB2 * kB), difference_b, m[5]));
  }
  static void transform_gradient(const Vec e[kOut], Vec v[kProducts]) {
    const Vec even_a = fma(Vec::broadcast(kA2), e[2], e[0]), even_b = fma(Vec::broadcast(kB2), e[2], e[0]);
    const Vec odd_a = Vec::broadcast(kA) * fma(Vec::broadcast(kA2), e[3], e[1]);
    const Vec odd_b = Vec::broadcast(kB) * fma(Vec::broadcast(kB2), e[3], e[1]);
    v[0] = e[0];
    v[1] = even_a + odd_a;
    v[2] = even_a - odd_a;
    v[3] = even_b + odd_b;
    v[4] = even_b - odd_b;
    v[5] = e[3];
  }
  static void transform_sums(const Vec p[kTapValues], Vec g[3]) {
    const Vec fa = Vec::broadcast(0.5f / (kA2 * (kA2 - kB2))), fb = Vec::broadcast(0.5f / (kB2 * (kB2 - kA2)));
    const Vec even_a = fa * (p[1] + p[2]), odd_a = fa * (p[1] - p[2]);
    const Vec even_b = fb * (p[3] + p[4]), odd_b = fb * (p[3] - p[4]);
    g[0] = fma(Vec::broadcast(1 / (kA2 * kB2)), p[0], even_a + even_b);
    g[1] = fma(Vec::broadcast(kA), odd_a, Vec::broadcast(kB) * odd_b);
    g[2] = fma(Vec::broadcast(kA2), even_a, fma(Vec::broadcast(kB2), even_b, p[5]));
  }
};

/// Stride 2, padding 1: of a tile's pixels every other one, from the first, meets the outer two taps, as in a
/// convolution of stride 1 by two taps, F(4, 2) at a, -a, b, -b and infinity; the others meet the middle tap, at the
/// four finite points: the sums there go through one transform to the outputs. 81 products for 4x4 outputs, not 144.
/// Inputs are 2 (b^2 - a^2) times what interpolation says, taps that much less, and sums at a and -a negative.
template <class V>
struct Stride2 {
  using Vec = V;
  static constexpr int kIn = 9, kStep = 8, kOut = 4, kInputs = 9, kProducts = 5, kTerms = 9;
  static constexpr int kInputParts[] = {0, 2, 5, 7, 9}, kOutputParts[1][4] = {{0, 1, 2, 3}};
  static constexpr float kA = 0.5f, kB = 1.5f, kA2 = kA * kA, kB2 = kB * kB;
  static constexpr int kFinite = 4, kPoints = 5;
  static constexpr int input(int term) { return term; }
  static constexpr int filter(int term) { return term < kPoints ? term : kPoints; }
  static constexpr int product(int term) { return term < kPoints ? term : term - kPoints; }

  static void at_finite(const Vec d[kFinite], Vec v[kFinite]) {
    const Vec minus_a2 = Vec::broadcast(-kA2), minus_b2 = Vec::broadcast(-kB2);
    const Vec even_a = fma(minus_b2, d[0], d[2]), odd_a = fma(minus_b2, d[1], d[3]);
    const Vec even_b = fma(minus_a2, d[0], d[2]), odd_b = fma(minus_a2, d[1], d[3]);
    v[0] = fma(Vec::broadcast(1 / kA), odd_a, even_a);
    v[1] = fma(Vec::broadcast(-1 / kA), odd_a, even_a);
    v[2] = fma(Vec::broadcast(1 / kB), odd_b, even_b);
    v[3] = fma(Vec::broadcast(-1 / kB), odd_b, even_b);
  }
  static Vec at_infinity(const Vec d[kPoints]) {
    return fma(Vec::broadcast(kA2 * kB2), d[0], fma(Vec::broadcast(-(kA2 + kB2)), d[2], d[4]));
  }
  static void outputs(const Vec m[kFinite], Vec infinite, Vec y[4]) {
    const Vec sum_a = m[0] + m[1], difference_a = m[0] - m[1], sum_b = m[2] + m[3], difference_b = m[2] - m[3];
    y[0] = sum_b - sum_a;
    y[1] = fma(Vec::broadcast(-kA), difference_a, Vec::broadcast(kB) * difference_b);
    y[2] = fma(Vec::broadcast(-kA2), sum_a, Vec::broadcast(kB2) * sum_b);
    y[3] = fma(Vec::broadcast(-kA2 * kA), difference_a, fma(Vec::broadcast(kB2 * kB), difference_b, infinite));
  }

  static void transform_input(const Vec d[kIn], Vec v[kInputs]) {
    const Vec outer[] = {d[0], d[2], d[4], d[6], d[8]}, middle[] = {d[1], d[3], d[5], d[7]};
    at_finite(outer, v);
    v[kFinite] = at_infinity(outer);
    at_finite(middle, v + kPoints);
  }
  static void transform_taps(const Vec g[3], Vec u[kTapValues]) {
    const Vec scale = Vec::broadcast(0.5f / (kB2 - kA2)), first = scale * g[0], last = scale * g[2];
    u[0] = fma(Vec::broadcast(kA), last, first);
    u[1] = fma(Vec::broadcast(-kA), last, first);
    u[2] = fma(Vec::broadcast(kB), last, first);
    u[3] = fma(Vec::broadcast(-kB), last, first);
    u[4] = g[2];
    u[5] = scale * g[1];
  }
  static void transform_output(const Vec m[kProducts], Vec y[kOut]) { outputs(m, m[kFinite], y); }
  static void transform_gradient(const Vec e[kOut], Vec v[kProducts]) {
    const Vec minus_a = fma(Vec::broadcast(-kA2), e[2], Vec::zero() - e[0]),
              even_b = fma(Vec::broadcast(kB2), e[2], e[0]);
    const Vec odd_a = Vec::broadcast(kA) * fma(Vec::broadcast(kA2), e[3], e[1]);
    const Vec odd_b = Vec::broadcast(kB) * fma(Vec::broadcast(kB2), e[3], e[1]);
    v[0] = minus_a - odd_a;
    v[1] = minus_a + odd_a;
    v[2] = even_b + odd_b;
    v[3] = even_b - odd_b;
    v[4] = e[3];
  }
  static void transform_sums(const Vec p[kTapValues], Vec g[3]) {
    const Vec scale = Vec::broadcast(0.5f / (kB2 - kA2));
    g[0] = scale * ((p[0] + p[1]) + (p[2] + p[3]));
    g[1] = scale * p[5];
    g[2] = fma(scale, fma(Vec::broadcast(kA), p[0] - p[1], Vec::broadcast(kB) * (p[2] - p[3])), p[4]);
  }
};

/// The data gradient of Stride2, from dy to dx, whose filter is rotated: every other pixel of dx, from the second,
/// is a sum of two pixels of dy times the outer taps, the others are one times the middle tap.
template <class V>
struct Stride2Data {
  using Vec = V;
  using Base = Stride2<V>;
  static constexpr int kIn = 5, kStep = 4, kOut = 8, kInputs = 5, kProducts = 9, kTerms = 9;
  static constexpr int kInputParts[] = {0, 2, 5}, kOutputParts[4][2] = {{0, 4}, {2, 6}, {1, 5}, {3, 7}};
  static constexpr int kFinite = Base::kFinite, kPoints = Base::kPoints;
  static constexpr int input(int term) { return Base::product(term); }
  static constexpr int filter(int term) { return Base::filter(term); }
  static constexpr int product(int term) { return Base::input(term); }

  static void transform_input(const Vec d[kIn], Vec v[kInputs]) {
    Base::at_finite(d, v);
    v[kFinite] = Base::at_infinity(d);
  }
  static void transform_taps(const Vec g[3], Vec u[kTapValues]) { Base::transform_taps(g, u); }
  static void transform_output(const Vec m[kProducts], Vec y[kOut]) {
    Vec outer[4], middle[4];
    Base::outputs(m, m[kFinite], outer);
    Base::outputs(m + kPoints, Vec::zero(), middle);
    for (int i = 0; i < 4; ++i) {
      y[2 * i] = middle[i];
      y[2 * i + 1] = outer[i];
    }
  }
};

/// A product of two dimensions, by the places of its factors among the input values and the filter's, and the products
/// that one sum consists of.
struct ProductTerm {
  int input, filter;
};
struct ProductTerms {
  int count = 0;
  ProductTerm term[4] = {};
};
template <class Transform>
struct AllProductTerms {
  ProductTerms of[Transform::kProducts * Transform::kProducts] = {};
  constexpr AllProductTerms() {
    for (int i = 0; i < Transform::kTerms; ++i)
      for (int j = 0; j < Transform::kTerms; ++j) {
        ProductTerms& terms = of[Transform::product(i) * Transform::kProducts + Transform::product(j)];
        terms.term[terms.count++] = {Transform::input(i) * Transform::kInputs + Transform::input(j),
                                     Transform::filter(i) * kTapValues + Transform::filter(j)};
      }
  }
};
template <class Transform>
constexpr AllProductTerms<Transform> kProductTerms;

}  // namespace temper::winograd
