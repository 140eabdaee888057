#include "tests/kernel_case_fixture.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/runtime/memory.h"
#include "tests/catch.h"

namespace temper::test {

namespace {

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

std::vector<char> random_bytes(const CaseArray& a, int seed, int64_t guard) {
  std::vector<char> bytes((a.n + 2 * guard) * size_of(a.dtype));
  with_type(a.dtype, [&](auto tag) {
    using T = decltype(tag);
    std::mt19937_64 gen(seed);
    std::uniform_real_distribution<double> real(a.lo, a.hi);
    std::uniform_int_distribution<int64_t> whole(static_cast<int64_t>(a.lo), static_cast<int64_t>(a.hi));
    T* v = reinterpret_cast<T*>(bytes.data());
    for (int64_t i = 0; i < a.n + 2 * guard; ++i) {
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

std::vector<double> to_double(const CaseArray& a, const std::vector<char>& bytes, int64_t guard) {
  std::vector<double> out(a.n);
  with_type(a.dtype, [&](auto tag) {
    using T = decltype(tag);
    const T* v = reinterpret_cast<const T*>(bytes.data()) + guard;
    for (int64_t i = 0; i < a.n; ++i) out[i] = static_cast<double>(static_cast<compute_t<T>>(v[i]));
  });
  return out;
}

/// Runs a case once on fresh copies of `input`; returns what every array holds afterwards, guards included.
std::vector<std::vector<char>> run_once(const KernelCase& c, Device device, int64_t guard,
                                        const std::vector<std::vector<char>>& input) {
  Stream stream{device};
  std::vector<void*> memory, data;
  for (size_t i = 0; i < input.size(); ++i) {
    memory.push_back(allocate(device, input[i].size()));
    copy(stream, memory[i], device, input[i].data(), Device::cpu, input[i].size());
    data.push_back(static_cast<char*>(memory[i]) + guard * size_of(c.arrays[i].dtype));
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

void check_guards(const CaseArray& a, const std::vector<char>& before, const std::vector<char>& after,
                  int64_t elements) {
  const size_t guard = elements * size_of(a.dtype);
  INFO("array " << a.name);
  CHECK(std::equal(before.begin(), before.begin() + guard, after.begin()));
  CHECK(std::equal(before.end() - guard, before.end(), after.end() - guard));
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

}  // namespace

void check_case(const KernelCase& c, const CaseRun& run) {
  INFO(c.kernel << "/" << c.name << " on " << run.device);
  std::vector<std::vector<char>> input;
  std::vector<std::vector<double>> want;
  for (size_t i = 0; i < c.arrays.size(); ++i) {
    input.push_back(random_bytes(c.arrays[i], static_cast<int>(i) + 1, run.guard));
    want.push_back(to_double(c.arrays[i], input[i], run.guard));
  }
  c.reference(want);
  const auto first = run_once(c, run.device, run.guard, input);
  if (run.before_second) run.before_second();
  const auto second = run_once(c, run.device, run.guard, input);
  CHECK(first == second);
  for (size_t i = 0; i < c.arrays.size(); ++i) {
    check_guards(c.arrays[i], input[i], first[i], run.guard);
    check_values(c, c.arrays[i], want[i], to_double(c.arrays[i], first[i], run.guard));
  }
}

}  // namespace temper::test
