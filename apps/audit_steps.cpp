#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "apps/audit.h"
#include "apps/progress.h"
#include "core/files/folders.h"
#include "core/files/json.h"
#include "core/files/npz.h"
#include "core/text.h"
#include "trainers/methods/parts/other_network.h"
#include "trainers/records/config_diff.h"
#include "trainers/records/run_files.h"
#include "trainers/records/run_inputs_json.h"
#include "trainers/records/step_differences.h"

namespace temper {

namespace {

using Records = std::vector<StepRecord>;

// A method with its defaults on the shipped images and a small residual network, attacked with running statistics: the
// samples of a batch then do not depend on each other. Methods that need more than a name find it here.
constexpr const char* kBuiltIn = R"(
seed: 1
data: {name: fashion_mnist_small, validation: 0}
model: {name: small_resnet, branches: [adv, clean]}
optimizer: {lr: 0.001}
loop: {epochs: 1, batch_size: 32}
)";
const std::pair<const char*, const char*> kOfMethods[] = {
    {"attack_bn", "eval"}, {"warm_up.epochs", "0"}, {"policy.model.name", "small_cnn"}};

// Where and how an experiment is computed; the rest says what.
constexpr const char* kHow[] = {"device", "precision", "exact", "without", "graph", "memory", "convolution"};

Config built_in(const std::string& method) {
  const Config nothing;
  Fields f(nothing);
  Registry<Trainer>::instance().make(method)->fields(f);
  std::vector<std::string> settings = {"trainer.name=" + method};
  for (const auto& [key, value] : kOfMethods)
    for (const FieldDoc& doc : f.docs())
      if (doc.key == key) settings.push_back(cat("trainer.", key, "=", value));
  for (const std::string& setting : without_files(f.docs())) settings.push_back(setting);
  return parse_config(kBuiltIn, "the built-in experiment of " + method, settings);
}

// What an experiment computes, with the keys that have been added since `text` was written.
std::string what_of(const std::string& text, const std::string& where) {
  ConfigNode what = read_experiment(parse_config(text, where)).resolved;
  for (const char* key : kHow) what.erase(key);
  return what.yaml();
}

struct AuditOfSteps : AuditSubject {
  std::vector<std::string> chosen, overrides;
  std::string save, against, json;
  int64_t steps = 10;
  double factor = 1;
  bool exact = false, twice = false, quiet = false;

  void declare(Arguments& app) override {
    app.take("experiment", chosen,
             "configuration files, or names of training methods for the small experiment that is built in; "
             "without any: every method");
    app.take("--steps", steps, "training steps of each").positive();
    app.take("--save", save, "write what the steps computed to this .npz file");
    app.take("--against", against, "compare with such a file, written on another device, machine or build");
    app.flag("--exact", exact, "with --against: every bit has to be the same");
    app.flag("--twice", twice, "compute everything twice; every bit has to be the same");
    app.take("--looser", factor, "multiplies all tolerances, which depend on the precision").not_negative();
    app.take("--json", json, "also write the differences to this file");
    app.take("--set", overrides, "key=value that overrides the configurations, such as device=cuda");
    app.flag("--quiet", quiet, "print errors only");
  }

  int run(Session& session) override {
    if (exact && against.empty()) throw UsageError("--exact: expected --against FILE as well");
    if (save.empty() && against.empty() && !twice)
      throw UsageError("expected --save FILE, --against FILE or --twice, which say what to do with the steps");
    const Records saved = against.empty() ? Records() : to_records(load_npz(against), against);
    Records records;
    Differences differences;
    for (const auto& [label, config] : experiments()) try {
        records.push_back(record(session, label, config));
        const StepRecord& r = records.back();
        if (twice) same_bits(label, "of two runs", r, record(session, label, config));
        if (!against.empty()) compare(r, saved, read_experiment(config).precision, differences);
      } catch (const Error& e) {
        failures.push_back(cat(label, ": ", e.what()));
      }
    if (chosen.empty() && !against.empty())
      for (const StepRecord& r : saved)
        if (!find(records, r.label))
          failures.push_back(cat(r.label, ": is in ", against, " and was not computed here"));
    if (!save.empty()) save_npz(save, to_arrays(records));
    if (!quiet) print(session, records, differences);
    if (!json.empty()) write_text(json, json_text(to_json(records, differences)));
    for (const std::string& failure : failures) session.err << "temper: error: " << failure << "\n";
    return failures.empty() ? kExitOk : kExitError;
  }

 private:
  using Differences = std::map<std::string, StepDifferences>;  ///< by label
  std::vector<std::string> failures;

  std::vector<std::pair<std::string, Config>> experiments() const {
    const auto& methods = Registry<Trainer>::instance();
    std::vector<std::pair<std::string, Config>> all;
    for (const std::string& name : chosen.empty() ? methods.names() : chosen) {
      const bool method = methods.has(name);
      const std::string label = method ? name : std::filesystem::path(name).stem().string();
      for (const auto& [other, config] : all)
        if (other == label) throw UsageError(cat("two experiments are called ", label, "; rename a file"));
      all.emplace_back(label, method ? built_in(name) : load_config(name));
      apply_overrides(all.back().second, {"graph=off"});  // unless told otherwise
      apply_overrides(all.back().second, overrides);
    }
    return all;
  }

  StepRecord record(Session& session, const std::string& label, const Config& config) const {
    ConsoleObserver observer(session.out, session.err, session.terminal, quiet ? Verbosity::quiet : Verbosity::normal);
    Experiment experiment = read_experiment(config);
    return record_steps(label, experiment, steps, [&](int64_t done) { observer.on_evaluate(label, done, steps); });
  }

  static const StepRecord* find(const Records& records, const std::string& label) {
    const auto at = std::find_if(records.begin(), records.end(), [&](const auto& r) { return r.label == label; });
    return at == records.end() ? nullptr : &*at;
  }

  void same_bits(const std::string& label, const std::string& of, const StepRecord& a, const StepRecord& b) {
    if (const auto names = unequal(a, b); !names.empty())
      failures.push_back(cat(label, ": expected the same bits ", of, ", but these differ: ", join(names)));
  }

  void compare(const StepRecord& r, const Records& saved, Precision precision, Differences& differences) {
    const StepRecord* const other = find(saved, r.label);
    TEMPER_CHECK(other, "is not in ", against, ", which has ", joined_labels(saved),
                 "; save it again with this method");
    const auto changed =
        config_differences(what_of(other->experiment, against), what_of(r.experiment, "this experiment"));
    TEMPER_CHECK(changed.empty(), "is another experiment than that in ", against, ":\n  ", join(changed, "\n  "));
    const auto inputs_of = [](const std::string& text) {
      const auto j = try_json(text);
      return j.is_object() ? run_inputs(j) : RunInputs{};
    };
    const auto data = temper::differences(inputs_of(other->inputs), inputs_of(r.inputs));
    TEMPER_CHECK(data.empty(), "is trained on other data than that in ", against, ":\n  ", join(data, "\n  "));
    TEMPER_CHECK(other->steps == r.steps, against, " has ", other->steps, " steps of it, here are ", r.steps,
                 "; give the same --steps");
    const StepDifferences& d = differences[r.label] = temper::differences(r, *other);
    if (exact)
      same_bits(r.label, "as in " + against, r, *other);
    else if (const auto lines = beyond(d, step_tolerance(precision), factor); !lines.empty())
      failures.push_back(cat(r.label, ": too far from ", against, ": ", join(lines, "; ")));
  }

  static std::string joined_labels(const Records& records) {
    std::vector<std::string> labels;
    for (const StepRecord& r : records) labels.push_back(r.label);
    return join(labels);
  }

  bool failed(const std::string& label) const {
    return std::any_of(failures.begin(), failures.end(), [&](const auto& f) { return f.starts_with(label + ": "); });
  }

  void print(Session& session, const Records& records, const Differences& differences) const {
    session.out << fmt::format("{:<20}{:>9} {:>9} {:>9}{:>11} {:>9} {:>9} {:>9} {:>10} {:>6}\n", "", "1st: loss",
                               "gradient", "images", "all: loss", "gradient", "images", "weights", "statistics",
                               "graph");
    for (const StepRecord& r : records) {
      session.out << fmt::format("{:<20}", r.label);
      const auto number = [&](double value) { return fmt::format("{:.1e}", value); };
      const auto images = [&](double value) { return r.images.empty() ? std::string("-") : number(value); };
      if (const auto at = differences.find(r.label); at != differences.end()) {
        const auto& [first, all, weights, statistics] = at->second;
        session.out << fmt::format("{:>9} {:>9} {:>9}{:>11} {:>9} {:>9} {:>9} {:>10}", number(first.loss),
                                   number(first.gradient), images(first.images), number(all.loss), number(all.gradient),
                                   images(all.images), number(weights), number(statistics));
      } else {
        session.out << fmt::format("{:>80}", against.empty() ? "" : "not compared");
      }
      session.out << fmt::format("{:>7}  {}\n", r.launched, failed(r.label) ? "FAILED" : "ok");
    }
  }

  nlohmann::ordered_json to_json(const Records& records, const Differences& differences) const {
    nlohmann::ordered_json all = nlohmann::ordered_json::object();
    const auto part = [](const StepDifferences::Part& p) {
      return nlohmann::ordered_json{{"loss", p.loss}, {"gradient", p.gradient}, {"images", p.images}};
    };
    for (const StepRecord& r : records) {
      nlohmann::ordered_json one = {{"steps", r.steps}, {"launched", r.launched}};
      if (const auto at = differences.find(r.label); at != differences.end()) {
        one["first"] = part(at->second.first);
        one["all"] = part(at->second.all);
        one["weights"] = at->second.weights;
        one["statistics"] = at->second.statistics;
      }
      all[r.label] = one;
    }
    return {{"experiments", all}, {"failures", failures}};
  }
};

}  // namespace

TEMPER_REGISTER(AuditSubject, AuditOfSteps, "steps",
                "whether training steps compute the same on another device, machine or build");

}  // namespace temper
