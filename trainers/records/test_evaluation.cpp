#include "trainers/records/test_evaluation.h"

#include <chrono>

#include "attacks/settings.h"
#include "core/plans/plan_ahead.h"
#include "data/loader.h"
#include "trainers/loop/readiness.h"
#include "trainers/loop/signals.h"

namespace temper {

std::vector<TestRow> evaluate_test(Engine& engine, const Network& network, const Experiment& experiment,
                                   const ImageSet& test, Observer& observer) {
  const EvaluationSection& section = experiment.evaluation;
  check_attacks(section, network.options().data);
  Loader loader(engine, test, section.loader(engine.device()));
  const Pass pass = Pass::eval(experiment.trainer.method->eval_branch(network));
  const PlansMade made = plan_ahead(engine, [&] {
    note_evaluation(engine, network, pass, loader, nullptr);
    for (const NamedAttack& a : section.attacks) note_evaluation(engine, network, pass, loader, a.attack.get());
  });
  if (made.count > 0) observer.on_plans(made);
  std::vector<TestRow> rows;
  const auto measure = [&](const std::string& label, const Attack* attack, const ConfigNode& settings) {
    const auto start = std::chrono::steady_clock::now();
    Accuracy accuracy = evaluate(engine, network, pass, loader, attack, [&](int64_t done, int64_t total) {
      observer.on_evaluate(label, done, total);
      if (SignalGuard::raised()) throw Interrupted{};
    });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    rows.push_back({.label = label,
                    .description = attack ? attack->describe() : "the images as they are",
                    .settings = settings,
                    .accuracy = std::move(accuracy),
                    .seconds = seconds});
  };
  measure("clean", nullptr, {});
  for (const NamedAttack& a : section.attacks) measure(a.label, a.attack.get(), attack_settings(a.name, *a.attack));
  return rows;
}

}  // namespace temper
