#pragma once
#include <cstddef>

namespace temper {

/// The memory that this machine has in all, in bytes.
size_t memory_of_host();

}  // namespace temper
