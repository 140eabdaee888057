// Whole training steps of the registered methods, as a training run makes them, on random images.
#include <fmt/format.h>
#include <sys/resource.h>

#include <cmath>
#include <ctime>

#include "bench/breakdown.h"
#include "bench/network.h"
#include "bench/suite.h"
#include "core/text.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/philox.h"
#include "kernels/runtime/range.h"
#include "trainers/train_step.h"

namespace temper::bench {

namespace {

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

DataSplits random_data(int64_t count, const DataShape& shape) {
  ImageSet set{.height = shape.height, .width = shape.width, .channels = shape.channels, .classes = shape.classes};
  for (int64_t i = 0; i < count * set.image_bytes(); ++i)
    set.pixels.push_back(static_cast<uint8_t>(256 * random_uniform({.seed = 1}, 0, static_cast<uint32_t>(i))));
  for (int64_t i = 0; i < count; ++i) set.labels.push_back(static_cast<int32_t>(i % shape.classes));
  return {.train = std::move(set), .shape = shape};
}

/// What one case asks for.
struct StepSpec {
  std::string model, method, compute, batch, attack_steps;
  Device device;
  int threads;
  std::vector<std::string> set;
};

bool has_field(const std::string& method, const std::string& key) {
  const Config none = parse_config("{}");
  Fields f(none);
  Registry<Trainer>::instance().make(method)->fields(f);
  for (const FieldDoc& d : f.docs())
    if (d.key == key) return true;
  return false;
}

/// Attacks run on the running BatchNorm statistics and take `attack_steps` steps; the rest are the method's defaults.
Experiment experiment_of(const StepSpec& s) {
  std::vector<std::string> overrides;
  if (has_field(s.method, "attack.steps")) overrides.push_back("trainer.attack.steps=" + s.attack_steps);
  if (has_field(s.method, "attack_bn")) overrides.push_back("trainer.attack_bn=eval");
  overrides.insert(overrides.end(), s.set.begin(), s.set.end());
  return read_experiment(
      parse_config(cat("device: ", name(s.device), "\nthreads: ", s.threads, "\nprecision: {compute: ", s.compute,
                       "}\nmodel: ", model_section(s.model), "\ntrainer: {name: ", s.method,
                       "}\nloop: {batch_size: ", s.batch, "}\noptimizer: {lr: 0.01}\n"),
                   "step", overrides));
}

/// A run that never gets beyond its first batch.
class StepWork {
 public:
  explicit StepWork(const StepSpec& spec, RangeLog* ranges = nullptr)
      : spec_(spec),
        experiment_(experiment_of(spec)),
        state_(experiment_, random_data(experiment_.loop.batch_size, data_shape(spec.model)), ranges) {
    TrainContext context = state_.context();
    experiment_.trainer.method->before_epoch(context);
  }

  StepNumbers run() {
    const double before = cpu_seconds();
    state_.progress.step = 0;
    const StepNumbers n = train_step(state_, {});
    synchronize(state_.engine.stream());
    cpu_.push_back(cpu_seconds() - before);
    return n;
  }

  Json extra() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);  // before anything else grows the process
    Json j{{"images", experiment_.loop.batch_size},
           {"cpu_seconds", median(cpu_)},
           {"memory",
            {{"arena_peak_mb", static_cast<double>(state_.engine.arena().peak()) / (1 << 20)},
             {"process_peak_mb", static_cast<double>(usage.ru_maxrss) / 1024}}},
           {"convolutions", state_.engine.conv().name()}};
    const int runs = std::clamp(static_cast<int>(1 / median(cpu_)), 1, 20);
    // Apart from the steps that were timed: on CUDA, timing ranges waits for each of them.
    RangeLog log;
    StepWork again(spec_, &log);
    j["breakdown"] = breakdown(log, runs, [&] { again.run(); });
    return j;
  }

 private:
  StepSpec spec_;
  Experiment experiment_;
  TrainingState state_;
  std::vector<double> cpu_;
};

/// The first step on two images, with one step of attack, has to come out as it does in double precision.
void check(StepSpec spec) {
  spec.batch = "2";
  spec.attack_steps = "1";
  const StepNumbers got = StepWork(spec).run();
  const bool narrow = spec.compute == "bf16";
  spec.compute = "f64";
  spec.device = Device::cpu;
  const StepNumbers want = StepWork(spec).run();
  const auto agree = [&](const char* what, double a, double b, double tolerance) {
    TEMPER_CHECK(std::abs(a - b) <= tolerance * std::abs(b), spec.method, ": the ", what,
                 " of a step is wrong, so it is not timed: expected ", b, " within ", 100 * tolerance,
                 " %, as in double precision, got ", a);
  };
  agree("loss", got.loss, want.loss, narrow ? 0.1 : 5e-3);
  agree("gradient's norm", got.grad_norm, want.grad_norm, narrow ? 0.3 : 2e-2);
}

struct Step : NetworkSuite {
  std::vector<Axis> axes() const override {
    return {{"model", {"resnet18"}, {}},
            {"method", {"pgd_at"}, Registry<Trainer>::instance().names()},
            {"compute", {"f32"}, {"f32", "bf16"}},
            {"batch", {"64"}, {}},
            {"attack_steps", {"10"}, {}}};
  }

  std::vector<BenchCase> cases(SuiteContext& context) const override {
    std::vector<BenchCase> out;
    const Choice& a = context.axes;
    for (const std::string& model : a.at("model"))
      for (const std::string& method : a.at("method"))
        for (const std::string& compute : a.at("compute"))
          for (const std::string& batch : a.at("batch"))
            for (const std::string& steps : a.at("attack_steps")) {
              const StepSpec spec{
                  model,      method, compute, batch, steps, context.engine.device(), context.engine.options().threads,
                  context.set};
              out.push_back({.name = cat(model, "/", method, "/", compute, "/n", batch, "/k", steps),
                             .axes = {{"model", model},
                                      {"method", method},
                                      {"compute", compute},
                                      {"batch", batch},
                                      {"attack_steps", steps}},
                             .dtype = compute == "bf16" ? DType::bf16 : DType::f32,
                             .prepare = [spec] { return prepare(spec); }});
            }
    return out;
  }

  static Work prepare(const StepSpec& spec) {
    check(spec);
    const auto work = std::make_shared<StepWork>(spec);
    return {.run = [work] { work->run(); }, .extra = [work] { return work->extra(); }};
  }

  std::string summary(const Report& report) const override {
    std::string out;
    for (const Result& r : report.results) {
      const Json& m = r.extra.at("memory");
      out += fmt::format("\n{}: {:.4g} images/s, {:.4g} s of processor time a step, peak memory {:.0f} MB\n", r.name,
                         r.extra.at("images").get<double>() / r.main().median(),
                         r.extra.at("cpu_seconds").get<double>(), m.at("process_peak_mb").get<double>());
      out += breakdown_text(r.extra.at("breakdown"), report.peaks, r.axes.at("compute"));
    }
    return out;
  }
};

TEMPER_REGISTER(Suite, Step, "step", "whole training steps of any method, and where their time goes");

}  // namespace

}  // namespace temper::bench
