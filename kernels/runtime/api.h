#pragma once
// Marks public headers. A header with `namespace TEMPER_API temper` is installed, as <temper/...>, and a shared library
// of Temper exports what it declares; the rest, kernels apart, is hidden. It includes only public headers, the C++
// standard library and CUDA's runtime.
#define TEMPER_API [[gnu::visibility("default")]]
