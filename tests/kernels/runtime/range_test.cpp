#include "kernels/runtime/range.h"

#include <thread>

#include "core/engine.h"
#include "core/ops/elementwise.h"
#include "kernels/relu/relu.h"
#include "tests/fixtures/catch.h"

using namespace temper;

namespace {

const RangeLog::Node* find(const RangeLog& log, const std::string& name) {
  for (const RangeLog::Node& n : log.nodes())
    if (n.name == name) return &n;
  return nullptr;
}

}  // namespace

TEST_CASE("a range log keeps a tree of names and extents", "[ranges]") {
  RangeLog log;
  const Stream stream{.ranges = &log};
  for (int i = 0; i < 3; ++i) {
    const PhaseRange outer(stream, "outer");
    for (const int64_t n : {5, 5, 7}) {
      const KernelRange inner(stream, "inner", {n});
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
  REQUIRE(log.nodes().size() == 4);
  const auto &outer = log.nodes()[1], &five = log.nodes()[2], &seven = log.nodes()[3];
  CHECK((outer.name == "outer" && outer.kind == RangeKind::phase && outer.count == 3 && outer.parent == 0));
  CHECK((five.name == "inner" && five.kind == RangeKind::kernel && five.count == 6 && five.parent == 1));
  CHECK(five.extents == std::vector<int64_t>{5});
  CHECK((seven.count == 3 && seven.extents == std::vector<int64_t>{7}));
  CHECK(five.seconds >= 6 * 200e-6);
  CHECK(outer.seconds >= five.seconds + seven.seconds);
  log.clear();
  CHECK(log.nodes().size() == 1);
}

namespace {

/// Tells a time of its own, of which every mark takes one second.
class CountingClock : public DeviceClock {
 public:
  explicit CountingClock(int& held) : held_(held) {}
  int mark(Stream) override {
    ++held_;
    return next_++;
  }
  double seconds(int from, int to) const override { return to - from; }
  void release(int) override { --held_; }

 private:
  int& held_;
  int next_ = 0;
};

}  // namespace

TEST_CASE("with a device's clock ranges are timed when they have run, and recorded ones in each repetition",
          "[ranges]") {
  int held = 0;
  RangeLog log(std::make_unique<CountingClock>(held));
  Capture capture;
  const Stream stream{.ranges = &log, .capture = &capture};
  const auto work = [&] {
    const PhaseRange phase(stream, "phase");
    const PhaseRange op(stream, "op");
    const KernelRange kernel(stream, "kernel");
    const KernelRange inside(stream, "inside");
  };
  work();
  CHECK(find(log, "kernel")->count == 0);
  log.settle();
  CHECK(held == 0);
  CHECK(find(log, "phase")->count == 1);
  CHECK(find(log, "phase")->seconds == 3);  // between its marks there are the kernel's two
  CHECK(find(log, "kernel")->seconds == 1);
  CHECK(find(log, "op")->count == 0);      // inside another phase
  CHECK(find(log, "inside")->count == 0);  // inside a kernel

  log.restart();
  capture.begin();
  work();
  const CapturedStep recording = capture.end();
  log.settle();
  CHECK(find(log, "kernel")->count == 0);  // recorded, not run
  for (int i = 1; i <= 2; ++i) {
    for (const auto& f : recording.on_replay) f();  // as StepGraph does when the device has done it again
    log.settle();
    CHECK(find(log, "kernel")->count == i);
    CHECK(find(log, "kernel")->seconds == i);
  }
  log.settle();
  CHECK(find(log, "kernel")->count == 2);  // nothing ran since
  capture.begin();
  work();
  capture.abandon();
  log.settle();
  CHECK(find(log, "kernel")->count == 2);  // a recording that came to nothing never ran
  log.clear();
  CHECK(held == 0);
}

TEST_CASE("ranges of a stream without a log go nowhere", "[ranges]") {
  RangeLog log;
  std::vector<float> x(4, 1), y(4);
  relu_forward<float>(Stream{}, 4, y.data(), x.data());
  CHECK(log.nodes().size() == 1);
  relu_forward<float>(Stream{.ranges = &log}, 4, y.data(), x.data());
  CHECK(find(log, "relu_forward"));
}

TEST_CASE("an engine's ranges name kernels and the op whose gradient runs them", "[ranges]") {
  RangeLog log;
  Engine engine({.ranges = &log});
  Tape tape(engine, Wrt::input);
  const Tensor x = engine.arena().tensor({6}, DType::f32);
  std::fill_n(x.as<float>(), 6, 1.f);
  tape.backward(relu(tape, tape.input(x)));
  const RangeLog::Node* kernel = find(log, "relu_backward");
  REQUIRE(kernel);
  const RangeLog::Node& op = log.nodes()[kernel->parent];
  CHECK((op.name == "relu" && op.kind == RangeKind::phase));
  CHECK(log.nodes()[op.parent].name == "backward");
  CHECK(log.nodes()[find(log, "relu_forward")->parent].parent == -1);
}
