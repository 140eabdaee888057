#include "trainers/test_evaluation.h"

#include <chrono>

#include "core/plan_ahead.h"
#include "data/loader.h"
#include "trainers/readiness.h"
#include "trainers/signals.h"

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
  const auto measure = [&](const std::string& label, const Attack* attack) {
    const auto start = std::chrono::steady_clock::now();
    Accuracy accuracy = evaluate(engine, network, pass, loader, attack, [&](int64_t done, int64_t total) {
      observer.on_evaluate(label, done, total);
      if (SignalGuard::raised()) throw Interrupted{};
    });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    rows.push_back({label, attack ? attack->describe() : "the images as they are", std::move(accuracy), seconds});
  };
  measure("clean", nullptr);
  for (const NamedAttack& a : section.attacks) measure(a.label, a.attack.get());
  return rows;
}

double natural_robust_ratio(double natural, double robust) {
  return natural + robust > 0 ? 2 * natural * robust / (natural + robust) : 0;
}

}  // namespace temper
