// The table of what the file that includes this holds.

constexpr Kernels kernels() {
  return {.rows = kRows,
          .stride1 = scheme<Stride1>(),
          .stride2 = scheme<Stride2>(),
          .stride2_data = scheme<Stride2Data>(),
          .gradient_floats = gradient_floats,
          .gradient_float = filter_gradient<float>,
          .gradient_half = filter_gradient<Half>,
          .image_filter = image_filter,
          .image_floats = image_floats,
          .image_float = image_gradient<float>,
          .image_half = image_gradient<Half>};
}
