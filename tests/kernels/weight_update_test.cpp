#include "kernels/weight_update/weight_update.h"

#include "kernels/runtime/case_arrays.h"
#include "kernels/runtime/memory.h"
#include "tests/fixtures/devices.h"

using namespace temper;

TEMPER_DEVICE_TEST("one pass over the weights leaves the bits of three", "[kernels][exact]") {
  int cases = 0;
  for (const KernelCase& c : kernel_cases()) {
    if (c.kernel != "weight_update" || is_large(c) || !c.unfused) continue;
    INFO(c.name);
    ++cases;
    const auto run = [&](const std::function<void(Stream, const CaseArgs&)>& work) {
      std::vector<std::vector<char>> bytes;
      std::vector<Memory> memory;
      std::vector<void*> data;
      for (size_t i = 0; i < c.arrays.size(); ++i) {
        bytes.push_back(random_bytes(c.arrays[i], 1, static_cast<int>(i) + 1));
        data.push_back(memory.emplace_back(device, bytes[i].size()).data());
        copy({device}, data[i], device, bytes[i].data(), Device::cpu, bytes[i].size());
      }
      work({device}, CaseArgs(data));
      for (size_t i = 0; i < data.size(); ++i) {
        copy({device}, bytes[i].data(), Device::cpu, data[i], device, bytes[i].size());
        synchronize({device});
      }
      return bytes;
    };
    CHECK(run(c.run) == run(c.unfused));
  }
  CHECK(cases > 0);
}
