#include <omp.h>

#include <cmath>
#include <cstring>
#include <random>
#include <set>

#include "kernels/runtime/case.h"
#include "tests/devices.h"

using namespace temper;

namespace {

constexpr int64_t kGuard = 64;  // elements on either side that nobody may touch

template <class F>
void with_type(DType t, F f) {
  switch (t) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    case DType::bf16: return f(bfloat16{});
    case DType::i32: return f(int32_t{});
    case DType::u8: return f(uint8_t{});
    case DType::i64: return f(int64_t{});
  }
}

std::vector<char> random_bytes(const CaseArray& a, int seed) {
  std::vector<char> bytes((a.n + 2 * kGuard) * size_of(a.dtype));
  with_type(a.dtype, [&](auto tag) {
    using T = decltype(tag);
    std::mt19937_64 gen(seed);
    std::uniform_real_distribution<double> real(a.lo, a.hi);
    std::uniform_int_distribution<int64_t> whole(static_cast<int64_t>(a.lo), static_cast<int64_t>(a.hi));
    T* v = reinterpret_cast<T*>(bytes.data());
    for (int64_t i = 0; i < a.n + 2 * kGuard; ++i) {
      if constexpr (std::is_integral_v<T>)
        v[i] = static_cast<T>(whole(gen));
      else if constexpr (sizeof(T) == 2)
        v[i] = T(static_cast<float>(real(gen)));
      else
        v[i] = static_cast<T>(real(gen));
    }
  });
  return bytes;
}

std::vector<double> to_double(const CaseArray& a, const std::vector<char>& bytes) {
  std::vector<double> out(a.n);
  with_type(a.dtype, [&](auto tag) {
    using T = decltype(tag);
    const T* v = reinterpret_cast<const T*>(bytes.data()) + kGuard;
    for (int64_t i = 0; i < a.n; ++i) out[i] = static_cast<double>(static_cast<compute_t<T>>(v[i]));
  });
  return out;
}

/// Runs a case once on fresh copies of `input`; returns what every array holds afterwards, guards included.
std::vector<std::vector<char>> run_once(const KernelCase& c, Device device,
                                        const std::vector<std::vector<char>>& input) {
  Stream stream{device};
  std::vector<void*> memory, data;
  for (size_t i = 0; i < input.size(); ++i) {
    memory.push_back(allocate(device, input[i].size()));
    copy(stream, memory[i], device, input[i].data(), Device::cpu, input[i].size());
    data.push_back(static_cast<char*>(memory[i]) + kGuard * size_of(c.arrays[i].dtype));
  }
  c.run(stream, CaseArgs(data));
  std::vector<std::vector<char>> result = input;
  for (size_t i = 0; i < input.size(); ++i) {
    copy(stream, result[i].data(), Device::cpu, memory[i], device, input[i].size());
    synchronize(stream);
    release(device, memory[i], input[i].size());
  }
  return result;
}

void check_guards(const CaseArray& a, const std::vector<char>& before, const std::vector<char>& after) {
  const size_t guard = kGuard * size_of(a.dtype);
  INFO("array " << a.name);
  CHECK(std::memcmp(before.data(), after.data(), guard) == 0);
  CHECK(std::memcmp(before.data() + before.size() - guard, after.data() + after.size() - guard, guard) == 0);
  if (a.role == Role::in) CHECK(before == after);
}

void check_values(const KernelCase& c, const CaseArray& a, const std::vector<double>& want,
                  const std::vector<double>& got) {
  if (a.role == Role::scratch) return;
  for (int64_t i = 0; i < a.n; ++i) {
    if (std::abs(got[i] - want[i]) <= c.tolerance * std::max(1.0, std::abs(want[i]))) continue;
    FAIL_CHECK("array " << a.name << " element " << i << " of " << a.n << ": expected " << want[i] << ", got "
                        << got[i]);
    return;
  }
}

void check_case(const KernelCase& c, Device device) {
  INFO(c.kernel << "/" << c.name << " on " << device);
  std::vector<std::vector<char>> input;
  std::vector<std::vector<double>> want;
  for (size_t i = 0; i < c.arrays.size(); ++i) {
    input.push_back(random_bytes(c.arrays[i], static_cast<int>(i) + 1));
    want.push_back(to_double(c.arrays[i], input[i]));
  }
  c.reference(want);
  const auto first = run_once(c, device, input);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(threads > 1 ? 1 : 2);
  const auto second = run_once(c, device, input);
  omp_set_num_threads(threads);
  CHECK(first == second);  // bitwise repeatable, with any number of threads
  for (size_t i = 0; i < c.arrays.size(); ++i) {
    check_guards(c.arrays[i], input[i], first[i]);
    check_values(c, c.arrays[i], want[i], to_double(c.arrays[i], first[i]));
  }
}

std::vector<std::string> kernels() {
  std::set<std::string> names;
  for (const KernelCase& c : kernel_cases()) names.insert(c.kernel);
  return {names.begin(), names.end()};
}

}  // namespace

TEMPER_DEVICE_TEST("every kernel case agrees with its reference", "[kernels]") {
  for (const std::string& kernel : kernels()) {
    DYNAMIC_SECTION(kernel) {
      for (const KernelCase& c : kernel_cases())
        if (c.kernel == kernel) check_case(c, device);
    }
  }
}

TEST_CASE("kernel case names are unique", "[kernels]") {
  std::set<std::string> seen;
  for (const KernelCase& c : kernel_cases()) {
    INFO(c.kernel << "/" << c.name);
    CHECK(seen.insert(c.kernel + "/" + c.name).second);
  }
}
