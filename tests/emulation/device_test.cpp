// The emulated device keeps to what CUDA promises, and no more.
#include <cuda_runtime.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/engine.h"
#include "core/graph/step_graph.h"
#include "kernels/axpby/axpby.h"
#include "kernels/runtime/device_array.h"
#include "tests/emulation/device_memory.h"
#include "tests/fixtures/catch.h"

using namespace temper;

namespace {

/// What a process of its own writes to stderr while it runs `f`, and how it ends.
template <class F>
std::string ending_of(F f) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    signal(SIGSEGV, SIG_DFL);  // not the test framework's
    { const emulation::DeviceAccess access; }
    f();
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char part[4096];
  for (ssize_t n; (n = read(ends[0], part, sizeof part)) > 0;) text.append(part, n);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return text + (WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "went on" : "ended");
}

/// 1, 2, 3 on the device.
struct Numbers {
  Engine engine{EngineOptions{.device = Device::cuda, .arena_mb = 4}};
  Stream stream = engine.stream();
  DeviceArray<float> x{stream, std::vector<float>{1, 2, 3}};
  cudaStream_t queue = static_cast<cudaStream_t>(stream.handle);

  /// x = 2 x
  void double_x() { axpby<float>(stream, 3, 1, x.data(), 1, x.data()); }
  std::vector<float> read() { return x.read(stream); }
};

}  // namespace

TEST_CASE("device: host code that touches device memory ends the program, and is told where", "[emulation]") {
  Numbers n;
  const std::string written = ending_of([&] { n.x.data()[1] = 0; });
  CHECK_THAT(written, ContainsSubstring("emulation: host code touched device memory at 0x") &&
                          ContainsSubstring("byte 4 of an array of 12 bytes") &&
                          ContainsSubstring("The host was in:\n") && ContainsSubstring("ended"));
  volatile float seen = 0;
  CHECK_THAT(ending_of([&] { seen = *n.engine.arena().tensor({1}, DType::f32).as<float>(); }),
             ContainsSubstring("emulation: host code touched device memory at 0x") && ContainsSubstring("ended"));
  CHECK(ending_of([&] { n.engine.arena().tensor({1}, DType::f32); }) == "went on");
  CHECK(n.read() == std::vector<float>{1, 2, 3});
}

TEST_CASE("device: fresh memory holds nothing of use", "[emulation]") {
  Numbers n;
  const Memory fresh(Device::cuda, 4);
  copy(n.stream, n.x.data(), Device::cuda, fresh.data(), Device::cuda, 4);
  CHECK(n.read()[0] != n.read()[0]);
}

TEST_CASE("device: what the host did not wait for has not happened", "[emulation]") {
  Numbers n;
  float got[3] = {};
  n.double_x();
  copy(n.stream, got, Device::cpu, n.x.data(), Device::cuda, sizeof got);
  CHECK(got[2] == 0);
  synchronize(n.stream);
  CHECK(got[2] == 6);

  SECTION("nor what another stream was asked to do") {
    Engine other(EngineOptions{.device = Device::cuda, .arena_mb = 4});
    n.double_x();
    CHECK(n.x.read(other.stream()) == std::vector<float>{2, 4, 6});
  }
}

TEST_CASE("device: addresses of the host's, and bytes beyond an array, are refused", "[emulation]") {
  Numbers n;
  const std::vector<float> host = {1, 2, 3};
  CHECK_THROWS_WITH(axpby<float>(n.stream, 3, 1, host.data(), 1, n.x.data()),
                    ContainsSubstring("illegal memory access"));
  CHECK_THROWS_WITH(copy(n.stream, n.x.data(), Device::cuda, host.data(), Device::cpu, 16),
                    ContainsSubstring("invalid argument"));
  float on_host = 0;
  CHECK_THROWS_WITH(set_zero(n.stream, &on_host, 4), ContainsSubstring("invalid argument"));
  n.double_x();  // what was refused is not held against what follows
  CHECK(n.read() == std::vector<float>{2, 4, 6});
}

TEST_CASE("device: what is captured is done when the graph is launched, each time, with its first arguments",
          "[emulation]") {
  Numbers n;
  const auto recorder = make_graph_recorder(Device::cuda);
  recorder->begin(n.stream);
  n.double_x();
  copy(n.stream, n.x.data(), Device::cuda, n.x.data() + 1, Device::cuda, 4);
  const auto work = recorder->end(n.stream);
  CHECK(n.read() == std::vector<float>{1, 2, 3});
  work->launch(n.stream);
  CHECK(n.read() == std::vector<float>{4, 4, 6});
  work->launch(n.stream);
  work->launch(n.stream);
  CHECK(n.read() == std::vector<float>{16, 16, 24});
}

TEST_CASE("device: what CUDA cannot capture is refused and spoils the capture", "[emulation]") {
  Numbers n;
  float host = 5;
  void* p = nullptr;
  const std::function<cudaError_t()> calls[] = {
      [&] { return cudaStreamSynchronize(n.queue); }, [&] { return cudaMalloc(&p, 16); },
      [&] { return cudaFree(n.x.data()); },
      [&] { return cudaMemcpyAsync(n.x.data(), &host, 4, cudaMemcpyDefault, n.queue); },
      [&] { return cudaMemcpyAsync(&host, n.x.data(), 4, cudaMemcpyDefault, n.queue); }};
  for (const auto& call : calls) {
    cudaGraph_t graph = nullptr;
    REQUIRE(cudaStreamBeginCapture(n.queue, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
    n.double_x();
    CHECK(call() == cudaErrorStreamCaptureUnsupported);
    cudaGetLastError();
    CHECK(cudaStreamEndCapture(n.queue, &graph) == cudaErrorStreamCaptureInvalidated);
    cudaGetLastError();
    CHECK(graph == nullptr);
  }
  CHECK(n.read() == std::vector<float>{1, 2, 3});
}
