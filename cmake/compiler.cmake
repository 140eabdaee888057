# GCC 12 with AVX-512 turns some constants, such as {1, 1, 0, 0}, into {1, 1, 1, 1} where it gathers neighbouring stores
# into a vector. Where a probe shows it, TEMPER_COMPILER_FLAGS turns that gathering off.
include(CheckCXXSourceRuns)
set(CMAKE_REQUIRED_FLAGS "-O3")
if(TEMPER_MARCH)
  string(APPEND CMAKE_REQUIRED_FLAGS " -march=${TEMPER_MARCH}")
endif()
string(MAKE_C_IDENTIFIER "TEMPER_CONSTANTS_ARE_RIGHT_${TEMPER_MARCH}" probe)
check_cxx_source_runs("
  template <class T>
  __attribute__((noinline)) void copy(T* to) {
    T from[] = {1, 1, 0, 0, 0, 0, 0, 0};
    for (int i = 0; i < 8; ++i) to[i] = from[i];
  }
  int main() {
    long a[8];
    double b[8];
    copy(a), copy(b);
    for (int i = 2; i < 8; ++i)
      if (a[i] != 0 || b[i] != 0) return 1;
    return 0;
  }" ${probe})
unset(CMAKE_REQUIRED_FLAGS)
set(TEMPER_COMPILER_FLAGS)
if(NOT ${probe})
  message(STATUS "this compiler vectorises constants wrongly for -march=${TEMPER_MARCH}: -fno-tree-slp-vectorize")
  set(TEMPER_COMPILER_FLAGS -fno-tree-slp-vectorize)
endif()
