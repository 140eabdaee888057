// The ways a 3x3 convolution is taken tile by tile, for the vector type Vec of the file that includes this. A scheme
// says, along one axis, how kIn pixels become kInputs values (transform_input), three taps kTaps values
// (transform_taps), and kProducts sums of products of these kOut outputs (transform_output); tiles of inputs are kStep
// pixels apart. Rows of inputs from kInputParts[i] on, and the rows of outputs kOutputParts[i], are computed together.
// Term t of kTerms multiplies value input(t) by tap value filter(t) and adds to sum product(t). For
// the filter gradient transform_gradient is the transpose of transform_output, and transform_sums that of
// transform_taps.

/// Stride 1: F(4x4, 3x3) (Lavin and Gray, 2016). The points of interpolation are 0, a, -a, b, -b and infinity: with
/// these a and b the error in f32 is twice that of a direct convolution; with the usual 1 and 2 it is five times that.
struct Stride1 {
  static constexpr int kIn = 6, kStep = 4, kOut = 4, kInputs = 6, kProducts = 6, kTerms = 6;
  static constexpr int kInputParts[] = {0, 3, 6}, kOutputParts[1][4] = {{0, 1, 2, 3}};
  static constexpr float kA = 0.625f, kB = 1.5f, kA2 = kA * kA, kB2 = kB * kB;
  static constexpr int input(int term) { return term; }
  static constexpr int filter(int term) { return term; }
  static constexpr int product(int term) { return term; }

  static void transform_input(const Vec d[kIn], Vec v[kInputs]) {
    const Vec a = broadcast(kA), b = broadcast(kB), minus_a2 = broadcast(-kA2), minus_b2 = broadcast(-kB2);
    const Vec product = broadcast(kA2 * kB2), minus_sum = broadcast(-(kA2 + kB2));
    const Vec even_a = fma(minus_b2, d[2], d[4]), odd_a = a * fma(minus_b2, d[1], d[3]);
    const Vec even_b = fma(minus_a2, d[2], d[4]), odd_b = b * fma(minus_a2, d[1], d[3]);
    v[0] = fma(product, d[0], fma(minus_sum, d[2], d[4]));
    v[1] = even_a + odd_a;
    v[2] = even_a - odd_a;
    v[3] = even_b + odd_b;
    v[4] = even_b - odd_b;
    v[5] = fma(product, d[1], fma(minus_sum, d[3], d[5]));
  }
  static void transform_taps(const Vec g[3], Vec u[kTaps]) {
    const Vec even_a = broadcast(0.5f / (kA2 * (kA2 - kB2))) * fma(broadcast(kA2), g[2], g[0]);
    const Vec odd_a = broadcast(0.5f * kA / (kA2 * (kA2 - kB2))) * g[1];
    const Vec even_b = broadcast(0.5f / (kB2 * (kB2 - kA2))) * fma(broadcast(kB2), g[2], g[0]);
    const Vec odd_b = broadcast(0.5f * kB / (kB2 * (kB2 - kA2))) * g[1];
    u[0] = broadcast(1 / (kA2 * kB2)) * g[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[2];
  }
  static void transform_output(const Vec m[kProducts], Vec y[kOut]) {
    const Vec sum_a = m[1] + m[2], difference_a = m[1] - m[2], sum_b = m[3] + m[4], difference_b = m[3] - m[4];
    y[0] = m[0] + (sum_a + sum_b);
    y[1] = fma(broadcast(kA), difference_a, broadcast(kB) * difference_b);
    y[2] = fma(broadcast(kA2), sum_a, broadcast(kB2) * sum_b);
    y[3] = fma(broadcast(kA2 * kA), difference_a, fma(broadcast(kB2 * kB), difference_b, m[5]));
  }
  static void transform_gradient(const Vec e[kOut], Vec v[kProducts]) {
    const Vec even_a = fma(broadcast(kA2), e[2], e[0]), even_b = fma(broadcast(kB2), e[2], e[0]);
    const Vec odd_a = broadcast(kA) * fma(broadcast(kA2), e[3], e[1]);
    const Vec odd_b = broadcast(kB) * fma(broadcast(kB2), e[3], e[1]);
    v[0] = e[0];
    v[1] = even_a + odd_a;
    v[2] = even_a - odd_a;
    v[3] = even_b + odd_b;
    v[4] = even_b - odd_b;
    v[5] = e[3];
  }
  static void transform_sums(const Vec p[kTaps], Vec g[3]) {
    const Vec fa = broadcast(0.5f / (kA2 * (kA2 - kB2))), fb = broadcast(0.5f / (kB2 * (kB2 - kA2)));
    const Vec even_a = fa * (p[1] + p[2]), odd_a = fa * (p[1] - p[2]);
    const Vec even_b = fb * (p[3] + p[4]), odd_b = fb * (p[3] - p[4]);
    g[0] = fma(broadcast(1 / (kA2 * kB2)), p[0], even_a + even_b);
    g[1] = fma(broadcast(kA), odd_a, broadcast(kB) * odd_b);
    g[2] = fma(broadcast(kA2), even_a, fma(broadcast(kB2), even_b, p[5]));
  }
};

/// Stride 2, padding 1: of a tile's pixels every other one, from the first, meets the outer two taps, as in a
/// convolution of stride 1 by two taps, F(4, 2) at a, -a, b, -b and infinity; the others meet the middle tap, at the
/// four finite points: the sums there go through one transform to the outputs. 81 products for 4x4 outputs, not 144.
/// Inputs are 2 (b^2 - a^2) times what interpolation says, taps that much less, and sums at a and -a negative.
struct Stride2 {
  static constexpr int kIn = 9, kStep = 8, kOut = 4, kInputs = 9, kProducts = 5, kTerms = 9;
  static constexpr int kInputParts[] = {0, 2, 5, 7, 9}, kOutputParts[1][4] = {{0, 1, 2, 3}};
  static constexpr float kA = 0.5f, kB = 1.5f, kA2 = kA * kA, kB2 = kB * kB;
  static constexpr int kFinite = 4, kPoints = 5;
  static constexpr int input(int term) { return term; }
  static constexpr int filter(int term) { return term < kPoints ? term : kPoints; }
  static constexpr int product(int term) { return term < kPoints ? term : term - kPoints; }

  static void at_finite(const Vec d[kFinite], Vec v[kFinite]) {
    const Vec minus_a2 = broadcast(-kA2), minus_b2 = broadcast(-kB2);
    const Vec even_a = fma(minus_b2, d[0], d[2]), odd_a = fma(minus_b2, d[1], d[3]);
    const Vec even_b = fma(minus_a2, d[0], d[2]), odd_b = fma(minus_a2, d[1], d[3]);
    v[0] = fma(broadcast(1 / kA), odd_a, even_a);
    v[1] = fma(broadcast(-1 / kA), odd_a, even_a);
    v[2] = fma(broadcast(1 / kB), odd_b, even_b);
    v[3] = fma(broadcast(-1 / kB), odd_b, even_b);
  }
  static Vec at_infinity(const Vec d[kPoints]) {
    return fma(broadcast(kA2 * kB2), d[0], fma(broadcast(-(kA2 + kB2)), d[2], d[4]));
  }
  static void outputs(const Vec m[kFinite], Vec infinite, Vec y[4]) {
    const Vec sum_a = m[0] + m[1], difference_a = m[0] - m[1], sum_b = m[2] + m[3], difference_b = m[2] - m[3];
    y[0] = sum_b - sum_a;
    y[1] = fma(broadcast(-kA), difference_a, broadcast(kB) * difference_b);
    y[2] = fma(broadcast(-kA2), sum_a, broadcast(kB2) * sum_b);
    y[3] = fma(broadcast(-kA2 * kA), difference_a, fma(broadcast(kB2 * kB), difference_b, infinite));
  }

  static void transform_input(const Vec d[kIn], Vec v[kInputs]) {
    const Vec outer[] = {d[0], d[2], d[4], d[6], d[8]}, middle[] = {d[1], d[3], d[5], d[7]};
    at_finite(outer, v);
    v[kFinite] = at_infinity(outer);
    at_finite(middle, v + kPoints);
  }
  static void transform_taps(const Vec g[3], Vec u[kTaps]) {
    const Vec scale = broadcast(0.5f / (kB2 - kA2)), first = scale * g[0], last = scale * g[2];
    u[0] = fma(broadcast(kA), last, first);
    u[1] = fma(broadcast(-kA), last, first);
    u[2] = fma(broadcast(kB), last, first);
    u[3] = fma(broadcast(-kB), last, first);
    u[4] = g[2];
    u[5] = scale * g[1];
  }
  static void transform_output(const Vec m[kProducts], Vec y[kOut]) { outputs(m, m[kFinite], y); }
  static void transform_gradient(const Vec e[kOut], Vec v[kProducts]) {
    const Vec minus_a = fma(broadcast(-kA2), e[2], zero() - e[0]), even_b = fma(broadcast(kB2), e[2], e[0]);
    const Vec odd_a = broadcast(kA) * fma(broadcast(kA2), e[3], e[1]);
    const Vec odd_b = broadcast(kB) * fma(broadcast(kB2), e[3], e[1]);
    v[0] = minus_a - odd_a;
    v[1] = minus_a + odd_a;
    v[2] = even_b + odd_b;
    v[3] = even_b - odd_b;
    v[4] = e[3];
  }
  static void transform_sums(const Vec p[kTaps], Vec g[3]) {
    const Vec scale = broadcast(0.5f / (kB2 - kA2));
    g[0] = scale * ((p[0] + p[1]) + (p[2] + p[3]));
    g[1] = scale * p[5];
    g[2] = fma(scale, fma(broadcast(kA), p[0] - p[1], broadcast(kB) * (p[2] - p[3])), p[4]);
  }
};

/// The data gradient of Stride2, from dy to dx, whose taps are turned: every other pixel of dx, from the second, is a
/// sum of two pixels of dy times the outer taps, the others are one times the middle tap.
struct Stride2Data {
  static constexpr int kIn = 5, kStep = 4, kOut = 8, kInputs = 5, kProducts = 9, kTerms = 9;
  static constexpr int kInputParts[] = {0, 2, 5}, kOutputParts[4][2] = {{0, 4}, {2, 6}, {1, 5}, {3, 7}};
  static constexpr int kFinite = Stride2::kFinite, kPoints = Stride2::kPoints;
  static constexpr int input(int term) { return Stride2::product(term); }
  static constexpr int filter(int term) { return Stride2::filter(term); }
  static constexpr int product(int term) { return Stride2::input(term); }

  static void transform_input(const Vec d[kIn], Vec v[kInputs]) {
    Stride2::at_finite(d, v);
    v[kFinite] = Stride2::at_infinity(d);
  }
  static void transform_taps(const Vec g[3], Vec u[kTaps]) { Stride2::transform_taps(g, u); }
  static void transform_output(const Vec m[kProducts], Vec y[kOut]) {
    Vec outer[4], middle[4];
    Stride2::outputs(m, m[kFinite], outer);
    Stride2::outputs(m + kPoints, zero(), middle);
    for (int i = 0; i < 4; ++i) {
      y[2 * i] = middle[i];
      y[2 * i + 1] = outer[i];
    }
  }
};

/// The terms of a sum of products in two dimensions, by their places among the inputs and the filter's values.
struct Term {
  int input, filter;
};
struct Terms {
  int count = 0;
  Term term[4] = {};
};
template <class S>
struct AllTerms {
  Terms of[S::kProducts * S::kProducts] = {};
  constexpr AllTerms() {
    for (int i = 0; i < S::kTerms; ++i)
      for (int j = 0; j < S::kTerms; ++j) {
        Terms& terms = of[S::product(i) * S::kProducts + S::product(j)];
        terms.term[terms.count++] = {S::input(i) * S::kInputs + S::input(j), S::filter(i) * kTaps + S::filter(j)};
      }
  }
};
template <class S>
constexpr AllTerms<S> kAllTerms;
