#include "bench/step_work.h"

#include <sys/resource.h>

#include <cmath>
#include <ctime>
#include <map>
#include <set>

#include "bench/gpu_state.h"
#include "bench/network.h"
#include "core/text.h"
#include "data/random_images.h"
#include "kernels/runtime/memory.h"
#include "trainers/methods/parts/other_network.h"

namespace temper::bench {

namespace {

double cpu_seconds_now() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

DataSplits random_data(int64_t count, const DataShape& shape) {
  const ImageSet like{
      .height = shape.height, .width = shape.width, .channels = shape.channels, .classes = shape.classes};
  return {.train = random_images(like, count), .shape = shape};
}

std::vector<FieldDoc> fields_of(const std::string& method) {
  const Config none = parse_config("{}");
  Fields f(none);
  Registry<Trainer>::instance().make(method)->fields(f);
  return f.docs();
}

Experiment experiment_of(const StepSpec& s) {
  const std::vector<FieldDoc> fields = fields_of(s.method);
  std::vector<std::string> overrides = without_files(fields);
  for (const FieldDoc& d : fields) {
    if (d.key == "attack.steps") overrides.push_back("trainer.attack.steps=" + s.attack_steps);
    if (d.key == "attack_bn") overrides.push_back("trainer.attack_bn=eval");
    if (d.key == "bn") overrides.push_back("model.branches=[adv, clean]");
  }
  overrides.insert(overrides.end(), s.set.begin(), s.set.end());
  return read_experiment(
      parse_config(cat("device: ", name(s.device), "\nthreads: ", s.threads, "\nprecision: {compute: ", s.compute,
                       "}\nmodel: ", model_section(s.model), "\ntrainer: {name: ", s.method,
                       "}\nloop: {batch_size: ", s.batch, "}\noptimizer: {lr: 0.01}\n"),
                   "step", overrides));
}

const char* name(GraphUse use) { return use == GraphUse::on ? "on" : use == GraphUse::off ? "off" : "auto"; }

/// Megabytes.
double mb(double bytes) { return bytes / (1 << 20); }

}  // namespace

StepWork::StepWork(const StepSpec& spec, RangeLog* ranges)
    : experiment_(experiment_of(spec)),
      state_(experiment_, random_data(experiment_.loop.batch_size, data_shape(spec.model)), ranges) {
  TrainContext context = state_.context();
  experiment_.trainer.method->before_epoch(context);
  plans_ = plan_ahead(state_.engine, [&] { note_step(state_); });
}

StepNumbers StepWork::run() {
  const double before = cpu_seconds_now();
  state_.progress.step = 0;
  StepNumbers n = train_step(state_, {});
  synchronize(state_.engine.stream());
  cpu_.push_back(cpu_seconds_now() - before);
  return n;
}

Json StepWork::story() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);  // before anything else grows the process
  Json memory{{"arena_peak_mb", mb(static_cast<double>(state_.engine.arena().peak()))},
              {"process_peak_mb", static_cast<double>(usage.ru_maxrss) / 1024}};
  // What an engine takes it keeps until its end.
  if (state_.engine.device() == Device::cuda) memory["device_mb"] = mb(static_cast<double>(device_memory().used));
  const StepGraph& graph = *state_.graph;
  TEMPER_CHECK(experiment_.graph != GraphUse::on || graph.launched() > 0, "graph: on, but the device replayed none of ",
               cpu_.size(), " steps");
  return {{"images", experiment_.loop.batch_size},
          {"steps", cpu_.size()},
          {"cpu_seconds", cpu_seconds()},
          {"memory", memory},
          {"graph", {{"use", name(experiment_.graph)}, {"launched", graph.launched()}, {"notes", graph.notes()}}},
          {"plans_ahead", {{"count", plans_.count}, {"seconds", plans_.seconds}}},
          {"convolutions", conv_choice(state_.engine)}};
}

namespace {

struct Tolerance {
  double loss, grad_norm;
};

Tolerance tolerance_of(const std::string& compute) {
  static const std::map<std::string, Tolerance> kOthers = {
      {"bf16", {0.1, 0.3}}, {"f16", {0.03, 0.1}}, {"tf32", {0.02, 0.1}}};
  const auto found = kOthers.find(compute);
  return found != kOthers.end() ? found->second : Tolerance{5e-3, 2e-2};
}

std::string key_of(const StepSpec& s) { return cat(s.model, "/", s.method, "/", s.compute, "/", join(s.set)); }

StepNumbers reference(StepSpec spec) {
  static std::map<std::string, StepNumbers> known;
  spec.compute = spec.device == Device::cuda ? "f32" : "f64";
  spec.device = Device::cpu;
  spec.set.push_back("graph=auto");
  const auto found = known.find(key_of(spec));
  if (found != known.end()) return found->second;
  return known.emplace(key_of(spec), StepWork(spec).run()).first->second;
}

}  // namespace

void check_step(StepSpec spec) {
  static std::set<std::string> right;
  if (right.count(key_of(spec))) return;
  spec.batch = "2";
  spec.attack_steps = "1";
  const StepNumbers got = StepWork(spec).run(), want = reference(spec);
  const auto agree = [&](const char* what, double a, double b, double tolerance) {
    TEMPER_CHECK(std::abs(a - b) <= tolerance * std::abs(b), spec.method, ": the ", what,
                 " of a step is wrong, so it is not timed: expected ", b, " within ", 100 * tolerance,
                 " %, as the reference has it, got ", a);
  };
  const Tolerance t = tolerance_of(spec.compute);
  agree("loss", got.loss, want.loss, t.loss);
  agree("gradient's norm", got.grad_norm, want.grad_norm, t.grad_norm);
  right.insert(key_of(spec));
}

}  // namespace temper::bench
