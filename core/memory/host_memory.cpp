#include "core/memory/host_memory.h"

#include <unistd.h>

namespace temper {

size_t memory_of_host() {
  return static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace temper
