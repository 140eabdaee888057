#pragma once
// Tests of everything that computes run on every device and say so when one is missing.
#include "kernels/runtime/memory.h"
#include "tests/skip.h"

/// In a test case that needs a GPU, first.
#define TEMPER_NEEDS_CUDA() \
  if (!temper::cuda_available()) TEMPER_SKIP("no CUDA device answers")

/// Two test cases with one body, "NAME on cpu" and "NAME on cuda": TEMPER_DEVICE_TEST("name", "[tags]") { ... device
/// ... }
#define TEMPER_DEVICE_TEST(name, tags) TEMPER_DEVICE_TEST_AS(TEMPER_DEVICE_TEST_NAME(__LINE__), name, tags)
#define TEMPER_DEVICE_TEST_NAME(line) TEMPER_DEVICE_TEST_NAME_(line)
#define TEMPER_DEVICE_TEST_NAME_(line) device_test_##line
#define TEMPER_DEVICE_TEST_AS(function, name, tags)                  \
  static void function(temper::Device device);                       \
  TEST_CASE(name " on cpu", tags) { function(temper::Device::cpu); } \
  TEST_CASE(name " on cuda", tags "[cuda]") {                        \
    TEMPER_NEEDS_CUDA();                                             \
    function(temper::Device::cuda);                                  \
  }                                                                  \
  static void function([[maybe_unused]] temper::Device device)
