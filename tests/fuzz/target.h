#pragma once
// Parsers fed with arbitrary bytes: by libFuzzer for as long as one likes (scripts/fuzz), and by the tests with the
// inputs kept in corpus/.
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace temper::fuzz {

using Bytes = std::span<const uint8_t>;
/// Reads `bytes` and returns, or throws temper::Error. Anything else is a fault: another exception, a crash, memory
/// or time out of proportion, a broken promise().
using Target = void (*)(Bytes);

/// All of them by name; they register themselves where they are written.
std::map<std::string, Target>& targets();

/// What a parser promises of its result. Aborts if it does not hold.
void promise(bool holds);

/// `bytes` as a file of this name, in a folder of this process.
std::string as_file(const std::string& name, Bytes bytes);
/// That folder.
std::string folder();

std::string as_text(Bytes bytes);
/// The pieces between 0xff bytes, which no text holds: `count` of them, the last ones perhaps empty. For parsers that
/// read several files.
std::vector<Bytes> pieces(Bytes bytes, size_t count);

}  // namespace temper::fuzz

/// TEMPER_FUZZ_TARGET(npz) { load_npz(as_file("a.npz", bytes)); }
#define TEMPER_FUZZ_TARGET(name)                                                                                       \
  static void fuzz_##name(::temper::fuzz::Bytes bytes);                                                                \
  [[maybe_unused]] static const bool registered_##name = ::temper::fuzz::targets().emplace(#name, fuzz_##name).second; \
  static void fuzz_##name([[maybe_unused]] ::temper::fuzz::Bytes bytes)
