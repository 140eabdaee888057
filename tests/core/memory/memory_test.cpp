#include "kernels/runtime/memory.h"

#include "core/memory/workspace.h"
#include "tests/fixtures/devices.h"

using namespace temper;

TEMPER_DEVICE_TEST("memory has one owner, whoever it is moved to", "[memory]") {
  Memory first(device, 1000);
  void* const data = first.data();
  REQUIRE(data);
  CHECK(reinterpret_cast<uintptr_t>(data) % 256 == 0);
  Memory second = std::move(first);
  CHECK(second.data() == data);
  CHECK(second.bytes() == 1000);
  CHECK(first.data() == nullptr);  // NOLINT(bugprone-use-after-move): that is what is tested
  CHECK(first.bytes() == 0);
  first = std::move(second);
  CHECK(first.data() == data);
  CHECK(first.device() == device);
  first = {};
  CHECK(first.data() == nullptr);
  CHECK(Memory(device, 0).data() == nullptr);
}

TEST_CASE("a workspace grows to the largest need and stays there", "[memory]") {
  Workspace room;
  float* const floats = room.reserve<float>(100);
  floats[99] = 1;
  CHECK(room.reserve<float>(10) == floats);
  CHECK(room.allocations() == 1);
  char* const bytes = room.reserve<char>(401);
  bytes[400] = 1;
  CHECK(room.allocations() == 2);
}
