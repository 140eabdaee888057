// What holds of every optimiser that is registered.
#include "tests/fixtures/devices.h"
#include "tests/fixtures/fake_recorder.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/loop/step_key.h"
#include "trainers/state/checkpoint.h"

using namespace temper;

namespace {

/// A run by one of them, with everything that goes with optimisers.
Experiment experiment(const std::string& optimizer, Device device) {
  return test::tiny(
      test::kPgdAt,
      test::on(device, {"optimizer={name: " + optimizer + ", clip: {norm: 0.5, value: 0.2}, no_decay: ['*.bias'], " +
                            "groups: [{parameters: ['fc.*'], lr_factor: 2, schedule: {name: steps, milestones: [2]}}]}",
                        "schedule={name: cosine}", "ema.decay=0.9"}));
}

std::vector<std::string> names() { return Registry<Optimizer>::instance().names(); }

void train_steps(TrainingState& s, int64_t steps) {
  for (; steps > 0; --steps) {
    if (s.progress.step == s.steps_per_epoch()) {
      ++s.progress.epoch;
      s.progress.step = 0;
    }
    train_step(s, "none");
  }
}

Safetensors all_of(TrainingState& s) {
  return collect([&](StateVisitor& v) { s.visit(v); });
}

std::vector<char> bytes_of(const Safetensors& all) {
  std::vector<char> out;
  for (const NamedArray& a : all.arrays) out.insert(out.end(), a.bytes.begin(), a.bytes.end());
  return out;
}

}  // namespace

TEMPER_DEVICE_TEST("every optimiser: a run that is stopped and restored goes on with the same bits", "[optimizer]") {
  for (const std::string& name : names()) {
    CAPTURE(name);
    Experiment e = experiment(name, device), f = experiment(name, device);
    TrainingState whole(e, read_splits(e));
    train_steps(whole, 5);
    const Safetensors kept = all_of(whole);
    train_steps(whole, 5);
    TrainingState again(f, read_splits(f));
    restore(kept, "kept", [&](StateVisitor& v) { again.visit(v); });
    train_steps(again, 5);
    CHECK(bytes_of(all_of(again)) == bytes_of(all_of(whole)));
    CHECK(bytes_of(all_of(again)) != bytes_of(kept));
  }
}

TEST_CASE("every optimiser: from step to step the launches are the same", "[optimizer][graph]") {
  for (const std::string& name : names()) {
    CAPTURE(name);
    Experiment e = experiment(name, Device::cpu);
    TrainingState s(e, read_splits(e));
    train_steps(s, 1);  // builds what later steps find
    std::vector<test::Launches> launches;
    for (int step = 0; step < 4; ++step) {
      test::Launches& of_step = launches.emplace_back();
      s.graph.emplace(s.engine, GraphUse::on, std::make_unique<test::ListingRecorder>(of_step));
      {
        const Arena::Scope scope(s.engine.arena());
        s.graph->run(step_key(s, s.train.blank(s.progress.step).size()), [] {});  // so that this is not its key's first
      }
      train_step(s, "none");
      REQUIRE(!of_step.empty());
      CHECK(test::difference(launches.front(), of_step) == "");
    }
  }
}

TEMPER_DEVICE_TEST("every optimiser: nothing moves where the gate is shut, nor what is frozen", "[optimizer]") {
  const Stream stream{.device = device};
  for (const std::string& name : names()) {
    CAPTURE(name);
    ParamLayout layout;
    layout.add("a", {70}, nullptr);
    layout.add("b", {30}, nullptr);
    layout.freeze("b");
    ParamBuffer w(layout, DType::f32, stream), g(layout, DType::f32, stream), average(layout, DType::f32, stream);
    for (ParamBuffer* buffer : {&w, &g})
      for (int i = 0; i < 2; ++i) buffer->write(i, std::vector<double>(layout[i].shape.numel(), 0.5));
    const auto rule = Registry<Optimizer>::instance().make(name);
    WeightOptimizer optimizer(w, *rule, stream);
    optimizer.prepare(0.1);
    const auto now = [&] {
      std::vector<std::vector<double>> all = test::arrays_of(w);
      for (const std::string& array : rule->state())
        for (const auto& values : test::arrays_of(optimizer.state(array))) all.push_back(values);
      return all;
    };
    const auto before = now();
    optimizer.step(stream, g, {}, {&average, 0.5}, 0);
    CHECK(now() == before);
    CHECK(test::arrays_of(average)[0] == std::vector<double>(70, 0));
    optimizer.step(stream, g, {}, {&average, 0.5});
    const auto after = now(), averages = test::arrays_of(average);
    for (int i = 0; i < 2; ++i)
      for (size_t k = 0; k < averages[i].size(); ++k) CHECK(averages[i][k] == Approx(after[i][k] / 2));
    for (size_t i = 0; i < after.size(); ++i) CHECK((after[i] == before[i]) == (i % 2 == 1));
  }
}
