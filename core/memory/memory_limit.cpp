#include "core/memory/memory_limit.h"

#include <unistd.h>

#include "kernels/runtime/check.h"

namespace temper {

void expect_memory(const std::string& who, uint64_t bytes) {
  const auto memory = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  TEMPER_CHECK(bytes <= memory, who, ": announces ", bytes, " bytes, more than this machine's memory of ", memory,
               "; it is damaged, or too large for this machine");
}

}  // namespace temper
