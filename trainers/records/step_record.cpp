#include "trainers/records/step_record.h"

#include <cmath>
#include <cstring>
#include <numeric>

#include "core/files/json.h"

#include "attacks/attack_observer.h"
#include "core/host.h"
#include "core/plans/plan_ahead.h"
#include "trainers/loop/train_step.h"
#include "trainers/records/metrics.h"
#include "trainers/records/run_inputs_json.h"
#include "trainers/state/state.h"

namespace temper {

namespace {

using Values = StepRecord::Values;

void append(Values& to, const std::vector<double>& from) { to.insert(to.end(), from.begin(), from.end()); }

// Copies the images of a step into a buffer on the device, so that a captured step does it too. Attacks may come slice
// by slice; one that attacks the batch again writes over what was there.
class FoundImages : public AttackObserver {
 public:
  explicit FoundImages(int64_t batch_size) : batch_size_(batch_size) {}

  void begin_step(Stream stream) {
    row_ = 0;
    if (memory_.size()) set_zero(stream, memory_.data(), memory_.size());
  }
  void on_found(Engine& engine, const Tensor& images) override {
    if (planning(engine.stream())) return;  // nothing is computed
    const int64_t rows = images.shape[0];
    const size_t row_bytes = images.bytes() / static_cast<size_t>(rows);
    if (!memory_.size()) {
      memory_ = {engine.stream(), static_cast<size_t>(batch_size_) * row_bytes};
      all_ = {memory_.data(), {batch_size_, images.numel() / rows}, images.dtype, images.device};
    }
    if (row_ == batch_size_) row_ = 0;
    TEMPER_CHECK(row_ + rows <= batch_size_, "recording steps: expected attacks on the ", batch_size_,
                 " images of a batch, got ", rows, " images after ", row_);
    copy(engine.stream(), all_.rows(row_, rows).data, all_.device, images.data, images.device, images.bytes());
    row_ += rows;
  }
  /// Of the step just made; empty before the first attack.
  std::vector<double> read(Engine& engine) const {
    return memory_.size() ? host_values(engine, all_) : std::vector<double>();
  }

 private:
  int64_t batch_size_, row_ = 0;
  DeviceArray<char> memory_;
  Tensor all_;
};

Values all_weights(TrainingState& s) {
  Values all;
  append(all, host_values(s.engine, s.network->weights().params.all()));
  for (const MethodPart& part : s.experiment.trainer.method->parts())
    if (part.optimizer || part.moved == MethodPart::Moved::with_network)
      append(all, host_values(s.engine, part.weights->params.all()));
  return all;
}

template <class T>
NamedArray array(const std::string& name, std::vector<int64_t> shape, const T* values, size_t count) {
  NamedArray a{.name = name, .dtype = dtype_of<T>(), .shape = std::move(shape), .bytes = {}};
  const char* bytes = reinterpret_cast<const char*>(values);
  a.bytes.assign(bytes, bytes + count * sizeof(T));
  return a;
}

template <class T, class To>
void read_array(const NamedArray& a, To& to, const std::string& where) {
  TEMPER_CHECK(a.dtype == dtype_of<T>(), where, ": ", a.name, ": expected ", dtype_of<T>(), ", got ", a.dtype);
  const size_t count = a.bytes.size() / sizeof(T);
  to.resize(count);
  if (count > 0) std::memcpy(to.data(), a.bytes.data(), count * sizeof(T));
}

constexpr const char* kNumber = "number/";

void read_content(StepRecord& r, const std::string& content, const NamedArray& a, const std::string& where) {
  if (content.starts_with(kNumber))
    return read_array<double>(a, r.numbers[content.substr(std::strlen(kNumber))], where);
  if (content == "experiment") return read_array<uint8_t>(a, r.experiment, where);
  if (content == "inputs") return read_array<uint8_t>(a, r.inputs, where);
  for (const auto& [name, values] :
       {std::pair{"images", &r.images}, {"weights", &r.weights}, {"statistics", &r.statistics}})
    if (content == name) return read_array<float>(a, *values, where);
  if (content == "moved") {
    std::vector<double> moved;
    read_array<double>(a, moved, where);
    TEMPER_CHECK(moved.size() == 1, where, ": ", a.name, ": expected one number, got ", moved.size());
    r.moved = moved[0];
    return;
  }
  fail(where, ": ", a.name, ": expected a file written by `temper audit steps --save`, which has no such array");
}

}  // namespace

double l2_distance(const Values& a, const Values& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return std::sqrt(sum);
}

StepRecord record_steps(const std::string& label, Experiment& experiment, int64_t steps,
                        const std::function<void(int64_t)>& progress) {
  StepRecord record{.label = label, .experiment = experiment.resolved.yaml() + "\n", .steps = steps};
  FoundImages found(experiment.loop.batch_size);
  TrainingState state(experiment, read_splits(experiment), nullptr, &found);
  record.inputs = to_json(state.inputs).dump();
  const int64_t last = state.train.batches() - 1;
  const int64_t whole = state.train.counted(last) == experiment.loop.batch_size ? last + 1 : last;
  TEMPER_CHECK(steps <= whole, label, ": expected at most ", whole,
               " steps because an epoch has so many whole batches, got ", steps, "; lower --steps or loop.batch_size");
  Trainer& method = *experiment.trainer.method;
  if (state.engine.device() != Device::cpu) plan_ahead(state.engine, [&] { note_step(state); });
  TrainContext context = state.context();
  method.before_epoch(context);
  const Values start = all_weights(state);
  for (int64_t step = 0; step < steps; ++step) {
    found.begin_step(state.engine.stream());
    const StepNumbers n = train_step(state, {});
    Metrics numbers = metrics_of(state, n);
    numbers.insert(numbers.end(), {{"loss", n.loss}, {"gradient", n.grad_norm}});
    for (const auto& [name, value] : numbers) record.numbers[name].push_back(value);
    const std::vector<double> images = found.read(state.engine);
    record.images.resize(static_cast<size_t>(step) * images.size());  // zeros for steps before the first attack
    append(record.images, images);
    if (progress) progress(step + 1);
  }
  record.weights = all_weights(state);
  append(record.statistics, host_values(state.engine, state.network->weights().buffers.all()));
  record.moved = l2_distance(record.weights, start);
  record.launched = state.graph->launched();
  return record;
}

std::vector<NamedArray> to_arrays(const std::vector<StepRecord>& records) {
  std::vector<NamedArray> arrays;
  for (const StepRecord& r : records) {
    const auto put = [&](const std::string& content, std::vector<int64_t> shape, const auto& values) {
      arrays.push_back(array(r.label + "/" + content, std::move(shape), values.data(), values.size()));
    };
    const auto count = [](const Values& values) { return static_cast<int64_t>(values.size()); };
    for (const auto& [name, value] : {std::pair{"experiment", &r.experiment}, {"inputs", &r.inputs}}) {
      const std::vector<uint8_t> text(value->begin(), value->end());
      put(name, {static_cast<int64_t>(text.size())}, text);
    }
    for (const auto& [name, values] : r.numbers) put(kNumber + name, {r.steps}, values);
    put("images", {r.steps, count(r.images) / r.steps}, r.images);
    put("weights", {count(r.weights)}, r.weights);
    put("statistics", {count(r.statistics)}, r.statistics);
    put("moved", {1}, std::vector<double>{r.moved});
  }
  return arrays;
}

std::vector<StepRecord> to_records(const std::vector<NamedArray>& arrays, const std::string& where) {
  std::vector<StepRecord> records;
  for (const NamedArray& a : arrays) {
    const size_t slash = a.name.find('/');
    const std::string label = a.name.substr(0, slash);
    TEMPER_CHECK(slash != std::string::npos, where, ": ", a.name,
                 ": expected a file written by `temper audit steps --save`, whose arrays are named LABEL/CONTENT");
    if (records.empty() || records.back().label != label) records.push_back({.label = label});
    read_content(records.back(), a.name.substr(slash + 1), a, where);
  }
  for (StepRecord& r : records) {
    TEMPER_CHECK(r.numbers.count("loss"), where, ": ", r.label,
                 ": expected the losses of its steps, but there are none");
    r.steps = static_cast<int64_t>(r.numbers.at("loss").size());
  }
  return records;
}

}  // namespace temper
