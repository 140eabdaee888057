#pragma once
// What is public. A header whose namespace is `namespace TEMPER_API temper` is installed, as <temper/...>, and what it
// declares can be used from a shared library of Temper; everything else is hidden there. It includes only headers that
// say so too, and of other projects only the C++ standard library and CUDA's run time.
#define TEMPER_API [[gnu::visibility("default")]]
