// The table of what the file that includes this holds.

constexpr Kernels kernels() {
  return {.rows = kRows,
          .stride1 = scheme<Stride1>(),
          .stride2 = scheme<Stride2>(),
          .stride2_data = scheme<Stride2Data>(),
          .gradient_floats = gradient_floats,
          .gradient_float = filter_gradient<float>,
          .gradient_half = filter_gradient<Half>,
          .first = first_scheme<Forward>(),
          .first_data = first_scheme<DataGradient>()};
}
