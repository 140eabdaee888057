#pragma once
#include <cstdint>
#include <string>

namespace temper {

/// Throws Error, naming `who`, if `bytes`, a size that a file announces, is more than this machine's memory: asked
/// before such a size is allocated.
void expect_memory(const std::string& who, uint64_t bytes);

/// The most that a packed file may unpack to where nothing else bounds it.
constexpr uint64_t kMostUnpacked = uint64_t{1} << 30;

/// The most bytes that deflate makes of one.
constexpr uint64_t kMostOfDeflate = 1032;

}  // namespace temper
