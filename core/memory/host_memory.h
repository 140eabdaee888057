#pragma once
#include <cstddef>

namespace temper {

/// The total memory of this machine, in bytes.
size_t memory_of_host();

}  // namespace temper
