#include "kernels/runtime/team.h"

#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <numeric>
#include <set>

#include "core/engine.h"
#include "core/threads/parallel.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;

TEST_CASE("a team does every item once, whatever its size", "[team]") {
  for (const int threads : {0, 1, 2, 3, 8, 40})
    for (const int64_t count : {0, 1, 2, 7, 1000}) {
      CAPTURE(threads, count);
      Team team(threads);
      CHECK(team.size() == std::max(threads, 1));
      for (int again = 0; again < 20; ++again) {
        std::vector<std::atomic<int>> done(count);
        std::atomic<bool> in_range = true;
        each_item(&team, count, [&](int64_t i, int thread) {
          ++done[i];
          if (thread < 0 || thread >= team.size()) in_range = false;
        });
        CHECK(std::all_of(done.begin(), done.end(), [](const auto& n) { return n == 1; }));
        CHECK(in_range);
      }
    }
}

TEST_CASE("no two threads of a team have one number at the same time", "[team]") {
  Team team(4);
  std::vector<std::atomic<int>> busy(4);
  std::atomic<bool> alone = true;
  each_item(&team, 2000, [&](int64_t, int thread) {
    if (++busy[thread] != 1) alone = false;
    --busy[thread];
  });
  CHECK(alone);
}

TEST_CASE("a team that has gone to sleep wakes up", "[team]") {
  using Clock = std::chrono::steady_clock;
  Team team(3);
  for (int i = 0; i < 3; ++i) {
    std::set<int> threads;
    std::mutex mutex;
    each_item(&team, 3, [&](int64_t, int thread) {
      // Until another thread has come, and not for ever.
      for (const Clock::time_point start = Clock::now(); Clock::now() - start < std::chrono::seconds(20);) {
        const std::lock_guard lock(mutex);
        threads.insert(thread);
        if (threads.size() > 1) return;
      }
    });
    CHECK(threads.size() > 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST_CASE("what an item throws leaves the loop, and the team goes on", "[team][errors]") {
  for (const int threads : {1, 2, 5}) {
    Team team(threads);
    for (int again = 0; again < 50; ++again) {
      std::string caught;
      try {
        each_item(&team, 100, [&](int64_t i, int) {
          if (i >= 0) fail("item ", i);
        });
      } catch (const Error& e) {
        caught = e.what();
      }
      CHECK(caught.rfind("item ", 0) == 0);
      if (threads == 1) CHECK(caught == "item 0");
      std::atomic<int64_t> sum = 0;
      each_item(&team, 100, [&](int64_t i, int) { sum += i; });
      CHECK(sum == 4950);
    }
  }
}

TEST_CASE("an item that calls its own team runs that work alone", "[team]") {
  Team team(3);
  std::atomic<int> done = 0;
  std::atomic<bool> same = true;
  each_item(&team, 10, [&](int64_t, int outer) {
    each_item(&team, 10, [&](int64_t, int inner) {
      ++done;
      if (inner != outer) same = false;
    });
  });
  CHECK(done == 100);
  CHECK(same);
}

TEST_CASE("pieces make up the whole", "[team]") {
  for (const int threads : {1, 2, 7}) {
    Team team(threads);
    const Stream stream{.team = &team};
    for (const int64_t n : {int64_t{0}, int64_t{1}, kParallelGrain - 1, kParallelGrain, kParallelGrain * 40 + 13})
      for (const int64_t weight : {1, 100, 1 << 20}) {
        if (n * weight > int64_t{1} << 34) continue;
        std::vector<std::atomic<uint8_t>> done(n);
        in_pieces(stream, n, weight, [&](int64_t from, int64_t to) {
          for (int64_t i = from; i < to; ++i) ++done[i];
        });
        CHECK(std::all_of(done.begin(), done.end(), [](const auto& k) { return k == 1; }));
      }
  }
}

TEST_CASE("two engines at work do not disturb each other, nor OpenMP", "[team]") {
  const int before = omp_get_max_threads();
  Engine one({.threads = 1}), three({.threads = 3});
  CHECK(one.team().size() == 1);
  CHECK(three.team().size() == 3);
  CHECK(omp_get_max_threads() == before);
  std::atomic<int64_t> sums[2] = {};
  in_parallel(2, 2, [&](size_t k) {
    Engine& engine = k == 0 ? one : three;
    for (int again = 0; again < 200; ++again) each_item(&engine.team(), 64, [&](int64_t i, int) { sums[k] += i; });
  });
  CHECK(sums[0] == 200 * 2016);
  CHECK(sums[1] == 200 * 2016);
}

TEST_CASE(
    "engines with other numbers of threads compute at the same time what each computes alone, and leave OpenMP alone",
    "[team]") {
  Engine one({.threads = 1, .arena_mb = 64}), three({.threads = 3, .arena_mb = 64});
  // By oneDNN, which OpenMP would give threads: a step with 1x1 filters and stride 2.
  const ConvShape g{.n = 16, .h = 16, .w = 16, .c = 32, .k = 64, .r = 1, .s = 1, .stride = 2};
  const auto gradient = [&](Engine& engine) {
    const Arena::Scope scope(engine.arena());
    const auto filled = [&](Shape shape, int seed) {
      return test::tensor_of(engine, shape, test::wave(shape.numel(), seed));
    };
    const Tensor x = filled({g.n, g.h, g.w, g.c}, 1), dy = filled({g.n, g.p(), g.q(), g.k}, 2);
    const Tensor dw = filled({g.k, 1, 1, g.c}, 3);
    engine.conv().backward_filter(engine.stream(), {.shape = g, .x = x, .dy = dy, .dw = dw});
    return test::numbers_of(engine, dw);
  };
  const auto alone = gradient(one);
  CHECK(gradient(three) == alone);
  const int before = omp_get_max_threads();
  std::atomic<int> wrong = 0;
  in_parallel(2, 2, [&](size_t k) {
    omp_set_num_threads(5);  // the calling thread's own choice
    for (int again = 0; again < 20; ++again)
      if (gradient(k == 0 ? one : three) != alone || omp_get_max_threads() != 5) ++wrong;
    omp_set_num_threads(before);
  });
  CHECK(wrong == 0);
  CHECK(omp_get_max_threads() == before);
}

TEST_CASE("what a child computes where OpenMP has fewer threads than an engine", "[.][child]") {
  Engine engine({.threads = 2, .arena_mb = 64});
  const ConvShape g{.n = 16, .h = 16, .w = 16, .c = 32, .k = 64, .r = 1, .s = 1, .stride = 2};
  const auto ones = [&](Shape shape) {
    return test::tensor_of(engine, shape, std::vector<double>(static_cast<size_t>(shape.numel()), 1));
  };
  const Tensor x = ones({g.n, g.h, g.w, g.c}), dy = ones({g.n, g.p(), g.q(), g.k}), dw = ones({g.k, 1, 1, g.c});
  engine.conv().backward_filter(engine.stream(), {.shape = g, .x = x, .dy = dy, .dw = dw});
  for (const double v : test::numbers_of(engine, dw)) REQUIRE(v == 16 * 8 * 8);
}

TEST_CASE("fewer threads of OpenMP than of an engine make nobody wait for ever", "[team]") {
  for (const char* setting : {"OMP_THREAD_LIMIT=1", "OMP_DYNAMIC=true"}) {
    CAPTURE(setting);
    const pid_t child = ::fork();
    if (child == 0) {
      ::putenv(const_cast<char*>(setting));
      ::alarm(120);  // outlives exec, and ends a child that waits
      ::execl("/proc/self/exe", "temper_tests", "what a child computes where OpenMP has fewer threads than an engine",
              nullptr);
      ::_exit(127);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
}
