// The table of what the file that includes this holds.

template <class S>
constexpr Scheme scheme(Gradient gradient) {
  return {
      .out = S::kOut, .floats = steps<Floats<S>, float>(), .halves = steps<Floats<S>, Half>(), .gradient = gradient};
}

template <class S>
constexpr Gradient gradient() {
  return {
      .workspace_floats = gradient_floats<S>, .floats = filter_gradient<S, float>, .halves = filter_gradient<S, Half>};
}

constexpr Kernels kernels() {
  return {.rows = rows_at_once(kUnits),
          .rows_of_unit = rows_at_once(1),
          .stride1 = scheme<Stride1>(gradient<Stride1>()),
          .stride2 = scheme<Stride2>(gradient<Stride2>()),
          .stride2_data = scheme<Stride2Data>({}),
          .first = first_scheme<Forward>(),
          .first_data = first_scheme<DataGradient>()};
}
