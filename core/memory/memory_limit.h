#pragma once
#include <cstdint>
#include <string>

namespace temper {

/// Throws Error, naming `who`, if `bytes`, a size claimed by a file, is more than this machine's memory. To be called
/// before such an allocation.
void expect_memory(const std::string& who, uint64_t bytes);

/// The largest size that a compressed file may unpack to, if nothing else limits it.
constexpr uint64_t kMostUnpacked = uint64_t{1} << 30;

/// The largest expansion factor of deflate.
constexpr uint64_t kMostOfDeflate = 1032;

}  // namespace temper
