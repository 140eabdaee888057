#pragma once
#include <cstddef>
#include <functional>

namespace temper {

/// Calls f(0) ... f(count - 1) on up to `threads` new threads and waits for all. Rethrows the exception of the lowest
/// i, if there was one. Use it for work that waits, calls a library, or has no engine; loops of an engine run on its
/// team (kernels/runtime/team.h).
void in_parallel(size_t count, size_t threads, const std::function<void(size_t)>& f);

}  // namespace temper
