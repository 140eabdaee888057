// Recording a training step: what a GPU would repeat is the same every step, and what the host keeps stays in step.
#include "kernels/runtime/memory.h"
#include "kernels/runtime/range.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/fake_recorder.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

namespace {

const GraphKey kA{8, {{"weight", 1}}}, kB{8, {{"weight", 2}}}, kSmall{5, {{"weight", 1}}};

struct Fake {
  Engine engine{EngineOptions{.arena_mb = 4, .guard = ArenaGuard::off}};
  test::FakeRecorder* recorder = new test::FakeRecorder;
  StepGraph graph;
  int done = 0, host = 0;
  explicit Fake(GraphUse use = GraphUse::automatic) : graph(engine, use, std::unique_ptr<GraphRecorder>(recorder)) {}
  void run(const GraphKey& key) {
    graph.run(key, [&] {
      ++done;
      engine.capture().on_replay([&] { ++host; });
    });
  }
};

}  // namespace

TEST_CASE("graph: work is done as it is, then recorded, then repeated", "[graph]") {
  Fake f;
  f.run(kA);
  CHECK(f.recorder->begun == 0);
  f.run(kA);
  CHECK(f.done == 2);
  CHECK(f.recorder->ended == 1);
  CHECK(f.recorder->launches == 1);
  CHECK(f.host == 0);  // its part was done while it was recorded
  f.run(kA);
  f.run(kA);
  CHECK(f.done == 2);
  CHECK(f.host == 2);
  CHECK(f.graph.launched() == 3);

  SECTION("a smaller last batch has a recording of its own") {
    f.run(kSmall);
    f.run(kSmall);
    f.run(kA);
    CHECK(f.done == 4);
    CHECK(f.recorder->ended == 2);
    CHECK(f.graph.launched() == 5);
  }
  SECTION("another number starts again") {
    f.run(kB);
    CHECK(f.done == 3);
    f.run(kB);
    CHECK(f.recorder->ended == 2);
    f.run(kA);  // whose recording is still there
    CHECK(f.recorder->ended == 2);
    CHECK(f.done == 4);
  }
  SECTION("recordings that were not used for long are given up") {
    for (int i = 0; i < StepGraph::kMost; ++i) f.run({8, {{"weight", 10.0 + i}}});
    f.run(kA);
    f.run(kA);
    CHECK(f.recorder->ended == 2);
    CHECK(f.graph.notes().size() == 1);
  }
  SECTION("memory at another place is refused") {
    const Arena::Scope scope(f.engine.arena());
    f.engine.arena().tensor({1}, DType::f32);
    CHECK_THROWS_WITH(f.run(kA),
                      "graph: expected the step's memory to begin at byte 0 of the arena, where it was captured, got "
                      "256; keep nothing else in the arena across steps, or set graph: off");
  }
}

TEST_CASE("graph: what cannot be recorded is named", "[graph]") {
  const auto waits = [](Engine& engine) {
    const KernelRange range(engine.stream(), "softmax_loss");
    synchronize(engine.stream());
  };
  const std::string why =
      "graph: a step cannot be captured: synchronize: the host waits for the device after softmax_loss, which cannot be "
      "captured";
  SECTION("auto: without it, and a note") {
    Fake f;
    int done = 0;
    const auto work = [&] { ++done, waits(f.engine); };
    for (int i = 0; i < 3; ++i) f.graph.run(kA, work);
    CHECK(done == 4);  // once in vain
    CHECK(f.recorder->abandoned == 1);
    CHECK(!f.engine.capture().recording());
    CHECK(f.graph.notes() == std::vector<std::string>{why + "; every kernel is launched by the host"});
  }
  SECTION("on: an error") {
    Fake f(GraphUse::on);
    f.graph.run(kA, [&] { waits(f.engine); });
    CHECK_THROWS_WITH(f.graph.run(kA, [&] { waits(f.engine); }),
                      why + "; set graph: off, or auto to continue without a graph");
  }
  SECTION("on without a GPU") {
    Engine engine(EngineOptions{.arena_mb = 4});
    CHECK_THROWS_WITH(
        StepGraph(engine, GraphUse::on, nullptr),
        "graph: expected device: cuda because only a GPU replays captured steps, got cpu; set graph: auto "
        "or device: cuda");
  }
}

TEST_CASE("graph: only what cannot be recorded is done without, other errors go through", "[graph][errors]") {
  Fake f;
  f.run(kA);
  const auto out_of_memory = [&] { f.engine.arena().tensor({8 << 20}, DType::u8); };
  SECTION("memory that runs out") {
    CHECK_THROWS_WITH(f.graph.run(kA, out_of_memory), ContainsSubstring("raise memory.arena_mb"));
    CHECK(f.graph.notes().empty());
    CHECK(f.recorder->abandoned == 1);
    CHECK(!f.engine.capture().recording());
    f.run(kA);  // the next one is recorded
    CHECK(f.recorder->ended == 1);
  }
  SECTION("a library's error that broke the device's recording") {
    f.recorder->is_broken = true;
    int done = 0;
    f.graph.run(kA, [&] {
      if (++done == 1) fail("a library: failed");
    });
    CHECK(done == 2);
    CHECK(f.graph.notes() ==
          std::vector<std::string>{
              "graph: a step cannot be captured: a library: failed; every kernel is launched by the host"});
  }
}

TEST_CASE("graph: a failed recording leaves nothing that counts as prepared", "[graph]") {
  Engine engine(EngineOptions{.arena_mb = 4});
  ParamLayout layout;
  layout.add("w", {64}, nullptr);
  ParamBuffer buffer(layout, DType::f32, engine.stream());
  buffer.half_view(0, DType::bf16);
  CHECK(buffer.half_copy());
  engine.capture().begin();
  CHECK(!buffer.half_copy());  // so the recording holds the conversion
  buffer.half_view(0, DType::bf16);
  CHECK(buffer.half_copy());
  engine.capture().abandon();
  CHECK(!buffer.half_copy());
}
