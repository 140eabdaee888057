#include "trainers/state/checkpoint.h"

#include <cmath>
#include <fstream>

#include "tests/fixtures/devices.h"
#include "tests/fixtures/temporary_folder.h"
#include "trainers/records/config_diff.h"

using namespace temper;
using test::TemporaryFolder;

namespace {

struct State {
  ParamLayout layout;
  std::optional<ParamBuffer> flat;
  double number = 0;
  int64_t count = 0;
  explicit State(Device device, int64_t rows = 3) {
    layout.add("a", {rows, 2}, nullptr);
    layout.add("b", {5}, nullptr);
    flat.emplace(layout, DType::f32, Stream{.device = device});
  }
  VisitState visit() {
    return [this](StateVisitor& v) {
      v("number", number);
      v("count", count);
      v("flat", *flat);
    };
  }
  void set(double x) {
    number = x;
    count = static_cast<int64_t>(10 * x);
    flat->write(0, std::vector<double>(6, std::sqrt(x)));
    flat->write(1, {x, -x, 1 / x, 0, 7});
  }
};

void damage(const std::filesystem::path& file) {
  std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
  f.seekp(-3, std::ios::end);
  f.put('\x55');
}

}  // namespace

TEMPER_DEVICE_TEST("checkpoint: numbers and arrays come back exactly", "[resume]") {
  const TemporaryFolder folder;
  const RunFolder run{folder.path()};
  State a(device), b(device);
  a.set(0.1 + 0.2);
  save_checkpoint(run, {.config = "seed: 1\n"}, a.visit());
  const LoadedCheckpoint loaded = load_checkpoint(run);
  CHECK(loaded.notes.config == "seed: 1\n");
  CHECK(loaded.warning.empty());
  restore(loaded.content, loaded.file, b.visit());
  CHECK(b.number == a.number);
  CHECK(b.count == a.count);
  CHECK(b.flat->read(0) == a.flat->read(0));
  CHECK(b.flat->read(1) == a.flat->read(1));
}

TEST_CASE("checkpoint: a damaged or missing last one falls back to the previous with a warning") {
  const TemporaryFolder folder;
  const RunFolder run{folder.path()};
  State s(Device::cpu);
  s.set(1);
  save_checkpoint(run, {}, s.visit());
  s.set(2);
  save_checkpoint(run, {}, s.visit());
  s.number = 0;

  damage(run.last());
  const LoadedCheckpoint loaded = load_checkpoint(run);
  CHECK_THAT(loaded.warning,
             ContainsSubstring("continuing from the previous checkpoint") && ContainsSubstring("last.safetensors"));
  restore(loaded.content, loaded.file, s.visit());
  CHECK(s.number == 1);

  std::filesystem::remove(run.last());
  CHECK(load_checkpoint(run).file == run.previous().string());
  damage(run.previous());
  CHECK_THROWS_WITH(load_checkpoint(run), ContainsSubstring("resume: no usable checkpoint in"));
}

TEST_CASE("checkpoint: what does not fit is named") {
  const TemporaryFolder folder;
  const RunFolder run{folder.path()};
  State s(Device::cpu), other(Device::cpu, 4);
  save_checkpoint(run, {}, s.visit());
  const LoadedCheckpoint loaded = load_checkpoint(run);
  CHECK_THROWS_WITH(restore(loaded.content, "x", other.visit()), ContainsSubstring("x: 'flat.a' should be (4, 2) f32"));
  const VisitState more = [](StateVisitor& v) {
    double extra = 0;
    v("extra", extra);
  };
  CHECK_THROWS_WITH(restore(loaded.content, "x", more), ContainsSubstring("x: holds no number 'extra'"));
  const VisitState wider = [&](StateVisitor& v) { v("flatter", *s.flat); };
  CHECK_THROWS_WITH(restore(loaded.content, "x", wider), ContainsSubstring("x: holds no array 'flatter.a'"));
}

TEST_CASE("config differences: every changed key is listed, keys that may change are not") {
  const std::string before = "seed: 1\noptimizer: {lr: 0.1}\nloop: {epochs: 5, batch_size: 8}\nlist: [1, 2]\n";
  CHECK(config_differences(before, before).empty());
  const std::string now =
      "seed: 1\noptimizer: {lr: 0.2, nesterov: true}\nloop: {epochs: 9, batch_size: 8}\nlist: [1, 3]\n";
  CHECK(config_differences(before, now) == std::vector<std::string>{"list: [1, 2] -> [1, 3]",
                                                                    "optimizer.lr: 0.1 -> 0.2",
                                                                    "optimizer.nesterov: (not given) -> true"});
}
