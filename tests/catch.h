#pragma once
// Catch2 2.x and 3.x under one name.
#if defined(TEMPER_CATCH3)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
