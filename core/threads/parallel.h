#pragma once
#include <cstddef>
#include <functional>

namespace temper {

/// f(0) ... f(count - 1), each once, on up to `threads` threads of their own. Waits for all; then throws what the
/// lowest i threw, if any did. For work that waits or calls a library, or has no engine: the loops of an engine run on
/// its team (kernels/runtime/team.h).
void in_parallel(size_t count, size_t threads, const std::function<void(size_t)>& f);

}  // namespace temper
