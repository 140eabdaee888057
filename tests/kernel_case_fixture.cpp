#include "tests/kernel_case_fixture.h"

#include <algorithm>

#include "kernels/runtime/case_arrays.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/team.h"
#include "tests/catch.h"

namespace temper::test {

namespace {

std::vector<double> values(const CaseArray& a, const std::vector<char>& bytes, int64_t guard) {
  return to_double(a, bytes.data() + guard * size_of(a.dtype));
}

int64_t guard(const CaseRun& run, size_t array) { return run.guard + run.stagger * static_cast<int64_t>(array); }

/// Runs `body` once on fresh copies of `input`; returns what every array holds afterwards, guards included.
std::vector<std::vector<char>> run_once(const KernelCase& c, const CaseBody& body, const CaseRun& run,
                                        const std::vector<std::vector<char>>& input, int threads) {
  const Device device = run.device;
  Team team(threads);
  Stream stream{.device = device, .team = &team};
  std::vector<void*> memory, data;
  for (size_t i = 0; i < input.size(); ++i) {
    memory.push_back(allocate(device, input[i].size()));
    copy(stream, memory[i], device, input[i].data(), Device::cpu, input[i].size());
    data.push_back(static_cast<char*>(memory[i]) + guard(run, i) * size_of(c.arrays[i].dtype));
  }
  body(stream, CaseArgs(data));
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

}  // namespace

void check_case(const KernelCase& c, const CaseRun& run) {
  INFO(c.kernel << "/" << c.name << " on " << run.device);
  std::vector<std::vector<char>> input;
  std::vector<std::vector<double>> want;
  for (size_t i = 0; i < c.arrays.size(); ++i) {
    input.push_back(random_bytes(c.arrays[i], guard(run, i), static_cast<int>(i) + 1));
    want.push_back(values(c.arrays[i], input[i], guard(run, i)));
  }
  c.reference(want);
  const auto first = run_once(c, c.run, run, input, run.threads);
  if (run.before_second) run.before_second();
  const auto second = run_once(c, c.run, run, input, run.threads_of_second);
  CHECK(first == second);
  const auto agrees = [&](const std::vector<std::vector<char>>& got) {
    for (size_t i = 0; i < c.arrays.size(); ++i) {
      check_guards(c.arrays[i], input[i], got[i], guard(run, i));
      CHECK(difference(c.tolerance, c.arrays[i], want[i], values(c.arrays[i], got[i], guard(run, i))) == "");
    }
  };
  agrees(first);
  if (!c.unfused) return;
  INFO(c.unfused_name);
  agrees(run_once(
      c,
      [&](Stream s, const CaseArgs& a) {
        if (c.unfused_setup) c.unfused_setup(s, a);
        c.unfused(s, a);
      },
      run, input, run.threads));
}

}  // namespace temper::test
