#pragma once
#include "kernels/runtime/check.h"

namespace TEMPER_API temper {

/// Thrown by launch() for a kernel that the emulation of tests/emulation cannot run. Tests report it as skipped.
struct NotEmulated : Error {
  using Error::Error;
};

}  // namespace temper
