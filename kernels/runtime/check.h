#pragma once
#include <sstream>
#include <stdexcept>
#include <string>

namespace temper {

/// Thrown for anything the caller can mend: a wrong shape, a bad config, a missing file, no device.
/// The text reads "who: expected ... because ..., got ...; do this", values included.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Everything streamed into one string.
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error(cat(parts...));
}

}  // namespace temper

#define TEMPER_CHECK(condition, ...)               \
  do {                                             \
    if (!(condition)) ::temper::fail(__VA_ARGS__); \
  } while (0)
