#include <fmt/format.h>

#include <ostream>

#include "apps/subcommand.h"
#include "core/files/file.h"
#include "core/files/json.h"
#include "core/text.h"
#include "workflows/run_cost.h"
#include "workflows/sweep_file.h"

namespace temper {

namespace {

/// FLOP/s with which hours are computed, and where they are from.
struct Rate {
  double flops = 1e12;
  std::string from = "an assumed 1 TFLOP/s; --tflops or --measure gives another rate";
};

double hours(double flops, const Rate& rate) { return flops / rate.flops / 3600; }

std::string in_words(double hours) {
  if (hours < 1.0 / 60) return fmt::format("{:.0f} s", hours * 3600);
  if (hours < 2) return fmt::format("{:.0f} min", hours * 60);
  return hours < 72 ? fmt::format("{:.1f} h", hours) : fmt::format("{:.1f} days", hours / 24);
}

std::string flops_text(double flops) {
  for (const auto& [unit, size] : {std::pair{"EFLOP", 1e18}, {"PFLOP", 1e15}, {"TFLOP", 1e12}})
    if (flops >= size) return fmt::format("{:.3g} {}", flops / size, unit);
  return fmt::format("{:.3g} GFLOP", flops / 1e9);
}

std::string bytes_text(double bytes) {
  return bytes >= 1e9 ? fmt::format("{:.2f} GB", bytes / 1e9) : fmt::format("{:.0f} MB", bytes / 1e6);
}

nlohmann::ordered_json json_of(const Arithmetic& a) {
  return {{"forward", a.forward},
          {"data_gradient", a.data_gradient},
          {"filter_gradient", a.filter_gradient},
          {"products", a.products},
          {"total", a.total()}};
}

nlohmann::ordered_json json_of(const RunCost& c, const Rate& rate) {
  nlohmann::ordered_json j{{"images_per_epoch", c.images},
                           {"steps_per_epoch", c.steps_per_epoch},
                           {"parameters", c.parameters},
                           {"step_bytes", c.step_bytes},
                           {"disk_bytes", c.disk_bytes},
                           {"flops_of_a_forward_pass", c.passes.forward.total()},
                           {"stages", nlohmann::ordered_json::array()},
                           {"evaluations", nlohmann::ordered_json::array()},
                           {"training_flops", json_of(c.training())},
                           {"evaluation_flops", json_of(c.evaluation())},
                           {"flops_per_second", rate.flops},
                           {"hours", hours(c.total(), rate)}};
  for (const CostStage& s : c.stages) {
    const PassCount n = count_passes(s.per_image, c.passes);
    j["stages"].push_back({{"first_epoch", s.first},
                           {"last_epoch", s.last},
                           {"forward", n.forward},
                           {"backward_to_images", n.to_images},
                           {"backward_to_weights", n.to_weights},
                           {"per_image", json_of(s.per_image)}});
  }
  for (const CostOfEvaluation& e : c.evaluations)
    j["evaluations"].push_back(
        {{"what", e.what}, {"images", e.images}, {"times", e.times}, {"per_image", json_of(e.per_image)}});
  return j;
}

struct Cost : Subcommand {
  std::string file, json;
  std::vector<std::string> overrides;
  double tflops = 0, images_per_second = 0;
  bool measure = false;

  void declare(Arguments& app) override {
    app.take("file", file, "YAML file of an experiment or of a sweep").required();
    app.take("--set", overrides, "key=value that overrides the file, such as loop.epochs=2");
    app.take("--tflops", tflops, "sustained TFLOP/s that the hours are computed with").positive();
    app.take("--images-per-second", images_per_second, "training images per second, known from another run").positive();
    app.flag("--measure", measure, "measure that rate on this machine's device with steps on random images");
    app.take("--json", json, "file for all numbers");
  }

  int run(Session& session) override {
    if ((tflops > 0) + (images_per_second > 0) + measure > 1)
      throw UsageError("cost: --tflops, --images-per-second and --measure give the same rate; leave two of them out");
    const Config config = load_config(file, overrides);
    nlohmann::ordered_json out;
    if (config.root.find("runs"))
      out = of_sweep(session, read_sweep(file, overrides, ""));
    else
      out = of_run(session, read_experiment(config));
    if (!json.empty()) write_text_atomically(json, out.dump(2) + "\n");
    return kExitOk;
  }

  Rate rate_of(const RunCost& cost, const Experiment& e) const {
    if (tflops > 0) return {tflops * 1e12, "--tflops"};
    const double images = measure ? measured_rate(e) : images_per_second;
    if (images == 0) return {};
    const double per_image = cost.stages.front().per_image.total();
    return {images * per_image,
            fmt::format("{:.4g} training images/s, {}", images, measure ? "measured here" : "--images-per-second")};
  }

  nlohmann::ordered_json of_run(Session& session, const Experiment& e) const {
    const RunCost cost = cost_of(e);
    const Rate rate = rate_of(cost, e);
    std::ostream& out = session.out;
    out << fmt::format("{}: {}, {}, {}\n", file, e.trainer.name, e.model.name, e.data.name);
    out << fmt::format("{} of {} training images, {} of {}\n\n", counted(e.loop.epochs, "epoch"), cost.images,
                       counted(cost.steps_per_epoch, "step"), e.loop.batch_size);
    out << "passes of the network for a training image\n"
        << fmt::format("  {:<16} {:>8} {:>20} {:>20} {:>10}\n", "epochs", "forward", "backward to images",
                       "backward to weights", "GFLOP");
    for (const CostStage& s : cost.stages) {
      const PassCount n = count_passes(s.per_image, cost.passes);
      out << fmt::format("  {:<16} {:>8.1f} {:>20.1f} {:>20.1f} {:>10.3g}\n", fmt::format("{} to {}", s.first, s.last),
                         n.forward, n.to_images, n.to_weights, s.per_image.total() / 1e9);
    }
    out << fmt::format("\n  {:<28} {:>10} {:>8} {:>12} {:>10}\n", "", "images", "times", "work", "time");
    const auto line = [&](const std::string& what, int64_t images, int64_t times, double flops) {
      out << fmt::format("  {:<28} {:>10} {:>8} {:>12} {:>10}\n", what, images, times, flops_text(flops),
                         in_words(hours(flops, rate)));
    };
    line("training", cost.images, e.loop.epochs, cost.training().total());
    for (const CostOfEvaluation& v : cost.evaluations)
      line(v.what, v.images, v.times, static_cast<double>(v.images * v.times) * v.per_image.total());
    out << fmt::format("  {:<28} {:>10} {:>8} {:>12} {:>10}\n", "together", "", "", flops_text(cost.total()),
                       in_words(hours(cost.total(), rate)));
    out << fmt::format("\ntime at {}\n", rate.from);
    out << fmt::format("{} parameters; a step needs {}; the run folder up to {}\n", cost.parameters,
                       bytes_text(cost.step_bytes), bytes_text(cost.disk_bytes));
    return json_of(cost, rate);
  }

  nlohmann::ordered_json of_sweep(Session& session, const Sweep& sweep) const {
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    if (images_per_second > 0)
      throw UsageError(
          "cost: --images-per-second is the rate of one method, and a sweep has several; use --tflops or --measure");
    double total = 0;
    Rate rate;
    const auto line = [&](const std::string& label, int64_t runs, double flops) {
      session.out << fmt::format("{:<28} {:>6} {:>12} {:>10}\n", label, runs, flops_text(flops),
                                 in_words(hours(flops, rate)));
    };
    session.out << fmt::format("{:<28} {:>6} {:>12} {:>10}\n", "method", "runs", "work", "time");
    const int64_t seeds = static_cast<int64_t>(sweep.runs.size() / sweep.labels.size());
    for (size_t i = 0; i < sweep.labels.size(); ++i) {
      const SweepRun& run = sweep.runs[i];
      const RunCost cost = cost_of(run.experiment);
      rate = rate_of(cost, run.experiment);
      nlohmann::ordered_json& row = rows.emplace_back(json_of(cost, rate));
      row["label"] = run.label;
      row["runs"] = seeds;
      total += row["hours"].get<double>() * static_cast<double>(seeds);
      line(run.label, seeds, static_cast<double>(seeds) * cost.total());
    }
    session.out << fmt::format("{:<28} {:>6} {:>12} {:>10}\n", "together", sweep.runs.size(), "", in_words(total));
    session.out << "time at " << (measure ? "each method's own rate, measured here" : rate.from) << "\n";
    return rows;
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Cost, "cost", "say what a run or a sweep takes: passes, arithmetic, memory, hours");

}  // namespace temper
