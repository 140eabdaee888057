#include "core/threads/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace temper {

void in_parallel(size_t count, size_t threads, const std::function<void(size_t)>& f) {
  std::vector<std::exception_ptr> failures(count);
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i; (i = next++) < count;) try {
        f(i);
      } catch (...) {
        failures[i] = std::current_exception();
      }
  };
  std::vector<std::thread> workers;
  try {
    for (size_t t = 1; t < std::min(threads, count); ++t) workers.emplace_back(work);
  } catch (const std::system_error&) {  // as many as there are then
  }
  work();
  for (std::thread& w : workers) w.join();
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace temper
