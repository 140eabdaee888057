// Whole training steps of the registered methods, as a training run makes them, on random images.
#include <fmt/format.h>

#include <cmath>

#include "bench/breakdown.h"
#include "bench/event_clock.h"
#include "bench/step_passes.h"
#include "bench/step_work.h"
#include "bench/suite.h"
#include "core/text.h"

namespace temper::bench {

namespace {

/// The step that is timed, and afterwards, when its memory is free again, the same with its ranges timed.
class StepCase {
 public:
  explicit StepCase(const StepSpec& spec) : spec_(spec), timed_(std::make_unique<StepWork>(spec)) {}

  void run() { timed_->run(); }
  Json extra(const Peaks& peaks) {
    Json j = timed_->story();
    if (spec_.detail == Detail::brief) return j;
    j["passes"] = passes_of_step(*timed_);
    const int runs = std::clamp(static_cast<int>(1 / timed_->cpu_seconds()), 1, 20);
    timed_.reset();
    try {
      RangeLog log(make_event_clock(spec_.device));
      StepWork ranged(spec_, &log);
      j["breakdown"] = breakdown({log, ranged.engine(), peaks, spec_.compute}, runs, [&] { ranged.run(); });
    } catch (const Error& e) {
      j["no_breakdown"] = e.what();  // the step itself was timed all the same
    }
    return j;
  }

 private:
  StepSpec spec_;
  std::unique_ptr<StepWork> timed_;
};

std::string passes_text(const Json& p, double seconds) {
  const double ideal = p.at("ideal_seconds");
  return fmt::format(
      "{:.4g} passes forward, {:.4g} backward to images, {:.4g} backward to weights: by themselves {:.4g} ms, of which "
      "the step takes {:.3g} times as long\n",
      p.at("forward").get<double>(), p.at("to_images").get<double>(), p.at("to_weights").get<double>(), ideal * 1e3,
      seconds / ideal);
}

struct Step : NetworkSuite {
  std::vector<Axis> axes() const override {
    return {{"model", {"resnet18"}, {}},
            {"method", {"pgd_at"}, Registry<Trainer>::instance().names()},
            {"compute", {"f32"}, {"f32", "tf32", "bf16", "f16"}},
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
              const StepSpec spec{model,
                                  method,
                                  compute,
                                  batch,
                                  steps,
                                  context.engine.device(),
                                  context.engine.options().threads,
                                  context.set,
                                  context.detail};
              out.push_back({.name = cat(model, "/", method, "/", compute, "/n", batch, "/k", steps),
                             .axes = {{"model", model},
                                      {"method", method},
                                      {"compute", compute},
                                      {"batch", batch},
                                      {"attack_steps", steps}},
                             .math = compute,
                             .prepare = [spec] { return prepare(spec); }});
            }
    return out;
  }

  static Work prepare(const StepSpec& spec) {
    check_step(spec);
    const auto work = std::make_shared<StepCase>(spec);
    return {.runs = {.run = [work](int) { work->run(); }},
            .extra = [work](const Peaks& peaks) { return work->extra(peaks); }};
  }

  std::string summary(const Report& report) const override {
    std::string out;
    for (const Result& r : report.results) {
      if (!r.failed.empty()) continue;
      const Json &m = r.extra.at("memory"), &graph = r.extra.at("graph");
      out += fmt::format("\n{}: {:.4g} images/s, {:.4g} s of processor time a step, peak memory {:.0f} MB\n", r.name,
                         r.extra.at("images").get<double>() / r.main().median(),
                         r.extra.at("cpu_seconds").get<double>(), m.at("process_peak_mb").get<double>());
      if (m.contains("device_mb"))
        out += fmt::format("device memory {:.0f} MB, of it the arena's peak {:.0f} MB\n",
                           m.at("device_mb").get<double>(), m.at("arena_peak_mb").get<double>());
      out += fmt::format("graph: {}, {} of {} steps replayed by the device\n", graph.at("use").get<std::string>(),
                         graph.at("launched").get<int64_t>(), r.extra.at("steps").get<int64_t>());
      const Json& plans = r.extra.at("plans_ahead");
      if (plans.at("count").get<int64_t>() > 0)
        out += fmt::format("{} plans of convolutions made before the first step in {:.2f} s\n",
                           plans.at("count").get<int64_t>(), plans.at("seconds").get<double>());
      for (const Json& notes : {graph.at("notes"), r.extra.at("convolutions").at("notes")})
        for (const Json& note : notes) out += "note: " + note.get<std::string>() + "\n";
      if (r.extra.contains("gpu") && r.extra.at("gpu").contains("watts")) {
        const Json& gpu = r.extra.at("gpu");
        out += fmt::format("{:.0f} W, {:.3g} J a step; SM clock {} MHz\n", gpu.at("watts").get<double>(),
                           gpu.at("watts").get<double>() * r.main().median(), gpu.value("sm_mhz", 0));
      }
      if (r.extra.contains("passes")) out += passes_text(r.extra.at("passes"), r.main().median());
      if (r.extra.contains("breakdown")) out += breakdown_text(r.extra.at("breakdown"));
      if (r.extra.contains("no_breakdown"))
        out += "no breakdown: " + r.extra.at("no_breakdown").get<std::string>() + "\n";
    }
    return out;
  }
};

TEMPER_REGISTER(Suite, Step, "step", "whole training steps of any method, and where their time goes");

}  // namespace

}  // namespace temper::bench
