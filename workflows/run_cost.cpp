#include "workflows/run_cost.h"

#include <algorithm>
#include <chrono>

#include "core/plans/plan_ahead.h"
#include "core/text.h"
#include "trainers/loop/readiness.h"
#include "trainers/loop/train_step.h"

namespace temper {

namespace {

DataSize size_of_data(const DatasetReader& reader) {
  if (const std::optional<DataSize> known = reader.size()) return *known;
  const ImageSet train = reader.train();
  const auto side = [&](int64_t whole) { return train.crop ? train.crop : whole; };
  return {.train = train.size(),
          .test = reader.test().size(),
          .height = side(train.height),
          .width = side(train.width),
          .channels = train.channels,
          .classes = train.classes};
}

/// The stages of the epochs [first, last], appended to `to`: bisected until both ends of a part cost the same.
void add_stages(StepCounter& counter, int64_t first, int64_t last, std::vector<CostStage>& to) {
  const Arithmetic& per_image = counter.step(first);
  if (per_image != counter.step(last)) {
    const int64_t middle = (first + last) / 2;
    add_stages(counter, first, middle, to);
    add_stages(counter, middle + 1, last, to);
  } else if (!to.empty() && to.back().per_image == per_image) {
    to.back().last = last;
  } else {
    to.push_back({first, last, per_image});
  }
}

double bytes_of_step(const Experiment& experiment, const DataSize& size) {
  // Nothing is computed, so the memory need not be there.
  Experiment whole = changed(experiment, {"device=cpu", "graph=off", "memory.arena_mb=1000000"});
  TrainingState state(whole, random_splits(size, whole.loop.batch_size));
  TrainContext context = state.context();
  whole.trainer.method->before_epoch(context);
  note_step(state);
  return static_cast<double>(state.engine.arena().peak());
}

int64_t times(const LoopSection& loop) {
  return loop.eval_every == 0 ? 0 : (loop.epochs + loop.eval_every - 1) / loop.eval_every;
}

}  // namespace

Arithmetic RunCost::training() const {
  Arithmetic all;
  for (const CostStage& s : stages) all += static_cast<double>((s.last - s.first + 1) * images) * s.per_image;
  return all;
}

Arithmetic RunCost::evaluation() const {
  Arithmetic all;
  for (const CostOfEvaluation& e : evaluations) all += static_cast<double>(e.images * e.times) * e.per_image;
  return all;
}

RunCost cost_of(const Experiment& e) {
  const DataSize data = size_of_data(*e.data.reader);
  TEMPER_CHECK(e.data.validation < data.train, "data.validation: expected fewer than the ", data.train,
               " training images, got ", e.data.validation);
  StepCounter counter(e, data);
  const ExtraSection& extra = e.data.extra;
  const int64_t own = data.train - e.data.validation;
  RunCost cost{.passes = counter.passes(),
               .data = data,
               .images = extra.on() && extra.epoch_images > 0 ? extra.epoch_images : own};
  const int64_t batch = e.loop.batch_size;
  cost.steps_per_epoch = (cost.images + (e.loop.last_batch == LastBatch::drop ? 0 : batch - 1)) / batch;
  add_stages(counter, 1, e.loop.epochs, cost.stages);
  const int64_t averages = e.ema.on() + e.swa.on();
  const Arithmetic clean = counter.evaluation(nullptr);
  const auto add = [&](const std::string& what, int64_t images, int64_t often, const Attack* attack) {
    if (images * often == 0) return;
    Arithmetic per_image = counter.evaluation(attack);
    per_image += clean;
    cost.evaluations.push_back({what, images, often, per_image});
  };
  add("validation", e.data.validation, times(e.loop) * (1 + averages), e.evaluation.validation.attack.get());
  if (const ProbeSection& probe = e.loop.probe; probe.on()) {
    const int64_t of = probe.split == ProbeSection::Split::train ? own : e.data.validation;
    cost.evaluations.push_back({"probe", std::min(probe.images, of), cost.steps_per_epoch * e.loop.epochs / probe.every,
                                counter.evaluation(e.evaluation.validation.attack.get())});
  }
  for (const NamedAttack& a : e.evaluation.attacks) add("test, " + a.label, data.test, 1, a.attack.get());
  cost.parameters = counter.state().network->params().numel();
  cost.disk_bytes = static_cast<double>(bytes_to_write(counter.state()));
  cost.step_bytes = bytes_of_step(e, data);
  return cost;
}

double measured_rate(const Experiment& experiment) {
  using Clock = std::chrono::steady_clock;
  Experiment e = changed(experiment, {"optimizer.lr=1e-6"});
  TrainingState state(e, random_splits(size_of_data(*e.data.reader), e.loop.batch_size));
  TrainContext context = state.context();
  e.trainer.method->before_epoch(context);
  plan_ahead(state.engine, [&] { note_step(state); });
  const auto step = [&] {
    const auto start = Clock::now();
    state.progress.step = 0;
    train_step(state, {});
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  for (int i = 0; i < 2; ++i) step();
  std::vector<double> seconds;
  for (double sum = 0; sum < 3 || seconds.size() < 3; sum += seconds.back()) seconds.push_back(step());
  std::sort(seconds.begin(), seconds.end());
  return static_cast<double>(e.loop.batch_size) / seconds[seconds.size() / 2];
}

}  // namespace temper
