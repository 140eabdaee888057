#pragma once
#include <sstream>
#include <stdexcept>
#include <string>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

/// Thrown for anything the caller can mend: a wrong shape, a bad config, a missing file, no device.
/// The text reads "who: expected ... because ..., got ...; do this", values included.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Thrown for a fault in Temper itself, which no caller can mend.
struct InternalError : Error {
  using Error::Error;
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

/// Throws InternalError: "internal error in FILE line N: WHAT; ...".
[[noreturn]] void fail_internally(const char* file, int line, const std::string& what);

}  // namespace temper

/// What a caller can get wrong and mend: throws Error with the text that follows.
#define TEMPER_CHECK(condition, ...)               \
  do {                                             \
    if (!(condition)) ::temper::fail(__VA_ARGS__); \
  } while (0)

/// What holds whatever a caller does, unless Temper has a fault: throws InternalError, with this place and the text
/// that follows. No std::source_location: Clang 14 has none.
#define TEMPER_ASSERT(condition, ...)                                                            \
  do {                                                                                           \
    if (!(condition)) ::temper::fail_internally(__FILE__, __LINE__, ::temper::cat(__VA_ARGS__)); \
  } while (0)
