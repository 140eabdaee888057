// Every distinct convolution of whole networks, in the shapes that their own passes use.
#include <fmt/format.h>

#include "bench/conv_work.h"
#include "bench/network.h"
#include "core/plans/plan_ahead.h"
#include "core/text.h"
#include "trainers/experiment.h"

namespace temper::bench {

namespace {

struct Pass {
  Direction direction;
  int64_t ConvCount::*count;
};
const std::map<std::string, Pass> kPasses = {
    {"forward", {Direction::forward, &ConvCount::forward}},
    {"data", {Direction::data, &ConvCount::data}},
    {"masked", {Direction::masked, &ConvCount::masked}},
    {"masked_residual", {Direction::masked_residual, &ConvCount::masked_residual}},
    {"filter", {Direction::filter, &ConvCount::filter}}};

/// An engine for the convolutions of one precision, made when the first of them is, with the plans of all of them.
class LazyEngine {
 public:
  LazyEngine(const SuiteContext& context, const std::string& precision)
      : options_(read_experiment(parse_config(cat("device: ", name(context.engine.device()),
                                                  "\nthreads: ", context.engine.options().threads,
                                                  "\nprecision: {compute: ", precision, "}\n"),
                                              "conv", context.set))
                     .engine_options()) {}
  /// What is worth telling of how its plans were made; empty: nothing.
  const std::string& note() const { return note_; }
  void will_run(const ConvShape& g, Direction d, DType t) { all_.push_back({g, d, t}); }
  Engine& get() {
    if (engine_) return *engine_;
    engine_ = std::make_unique<Engine>(options_);
    if (engine_->device() == Device::cpu) return *engine_;
    try {
      plan_ahead(*engine_, [&] {
        note_plans(*engine_, [&] {
          for (const Planned& p : all_) ConvWork::note(*engine_, p.g, p.direction, p.dtype);
        });
      });
    } catch (const Error& e) {
      note_ = cat("plans are made one by one: ", e.what());
    }
    return *engine_;
  }

 private:
  struct Planned {
    ConvShape g;
    Direction direction;
    DType dtype;
  };
  EngineOptions options_;
  std::vector<Planned> all_;
  std::string note_;
  std::unique_ptr<Engine> engine_;
};

std::string title(const ConvShape& g) {
  return fmt::format("{}x{}x{}-{}_{}x{}{}", g.h, g.w, g.c, g.k, g.r, g.s,
                     g.stride == 1 ? "" : fmt::format("_s{}", g.stride));
}

struct Conv : Suite {
  std::vector<Axis> axes() const override {
    std::vector<std::string> passes;
    for (const auto& [pass, what] : kPasses) passes.push_back(pass);
    return {{"network", {"resnet18", "wide_resnet34_10"}, {}},
            {"pass", passes, passes},
            {"dtype", {"f32", "bf16"}, {"f32", "tf32", "bf16", "f16"}},
            {"batch", {"64"}, {}}};
  }

  std::vector<BenchCase> cases(SuiteContext& context) const override {
    std::vector<BenchCase> out;
    for (const std::string& network : context.axes.at("network")) {
      const auto convolutions = convolutions_of(network);
      for (const std::string& dtype : context.axes.at("dtype")) {
        const auto engine = std::make_shared<LazyEngine>(context, dtype);
        for (const std::string& batch : context.axes.at("batch"))
          for (const std::string& pass : context.axes.at("pass"))
            for (const auto& [shape, count] : convolutions) {
              const Pass& p = kPasses.at(pass);
              if (count.*p.count == 0) continue;
              ConvShape g = shape;
              g.n = static_cast<int64_t>(parse_number(batch));
              BenchCase& c = out.emplace_back(make_case(engine, g, p.direction, dtype));
              c.axes = {{"network", network}, {"pass", pass}, {"dtype", dtype}, {"batch", batch}};
              c.name = cat(network, "/", pass, "/", dtype, "/n", g.n, "/", title(g));
              c.weight = static_cast<double>(count.*p.count);
            }
      }
    }
    return out;
  }

  static BenchCase make_case(const std::shared_ptr<LazyEngine>& engine, const ConvShape& g, Direction d,
                             const std::string& math) {
    const DType t = math == "bf16" ? DType::bf16 : math == "f16" ? DType::f16 : DType::f32;
    const double x = static_cast<double>(g.n * g.h * g.w * g.c), y = static_cast<double>(g.n * g.p() * g.q() * g.k);
    const double w = static_cast<double>(g.k * g.r * g.s * g.c), each = static_cast<double>(size_of(t));
    const double beside = d == Direction::masked ? x : d == Direction::masked_residual ? 2 * x : 0;
    return {.math = math,
            .bytes = (x + y + beside) * each + w * 4,
            .flops = 2 * y * static_cast<double>(g.r * g.s * g.c),
            .prepare =
                [engine, g, d, t] {
                  Engine& e = engine->get();
                  TEMPER_CHECK(e.conv().supports(t), e.conv().name(), " has no ", t, " convolutions here");
                  const auto work = std::make_shared<ConvWork>(e, g, d, t);
                  Work made{.runs = {.stream = e.stream(),
                                     .run = [work](int set) { work->run(set); },
                                     .sets = work->sets(),
                                     .launcher = Launcher::device},
                            .extra = [engine](const Peaks&) {
                              return Json{{"convolutions", conv_choice(engine->get())}};
                            }};
                  made.note = engine->note();
                  if (const char* name = work->unfused_name()) {
                    made.unfused = [work](int set) { work->run_unfused(set); };
                    made.unfused_name = name;
                  }
                  return made;
                },
            .announce = [engine, g, d, t] { engine->will_run(g, d, t); }};
  }

  /// Whole passes: each layer's time as often as the network runs it.
  std::string summary(const Report& report) const override {
    struct Total {
      double seconds = 0, limit = 0, flops = 0, count = 0;
    };
    std::map<std::string, Total> totals;
    for (const Result& r : report.results) {
      if (!r.failed.empty()) continue;
      Total& t =
          totals[cat(r.axes.at("network"), "/", r.axes.at("pass"), "/", r.axes.at("dtype"), "/n", r.axes.at("batch"))];
      t.seconds += r.weight * r.main().median();
      t.limit += r.weight * r.limit.seconds;
      t.flops += r.weight * r.flops;
      t.count += r.weight;
    }
    std::string out = "whole passes, cold (layers counted as often as they run):\n";
    for (const auto& [name, t] : totals)
      out += fmt::format("  {:<40} {:>4} convolutions {:>9.2f} ms {:>8.1f} GFLOP/s {:>4.0f} % of the peak\n", name,
                         t.count, t.seconds * 1e3, t.flops / t.seconds / 1e9, 100 * t.limit / t.seconds);
    return out;
  }
};

TEMPER_REGISTER(Suite, Conv, "conv", "every distinct convolution of whole networks, with totals per pass");

}  // namespace

}  // namespace temper::bench
