#include "trainers/loop/collapse.h"

#include <fmt/format.h>

#include "attacks/pgd.h"
#include "trainers/loop/validate.h"

namespace temper {

namespace {

bool has_collapsed(const TrainingState& s, const RobustNow& m) {
  // An accuracy near that of a constant guess cannot collapse.
  const double guess = 100.0 / static_cast<double>(s.network->options().data.classes);
  return m.best >= 1.5 * guess && m.now < s.experiment.loop.collapse * m.best;
}

// A state that is half lost is nothing to go back to.
bool is_good(const TrainingState& s, const RobustNow& m) {
  return m.now >= (1 + s.experiment.loop.collapse) / 2 * m.best;
}

std::string description(Run& run, const RobustNow& m) {
  TrainingState& s = run.state;
  std::string text =
      fmt::format("robust accuracy on {} fell from {:.1f} % ({}) to {:.1f} %", m.images, m.best, m.best_at, m.now);
  const auto* pgd = dynamic_cast<const Pgd*>(s.experiment.evaluation.validation.attack.get());
  if (!pgd) return text;
  Pgd one_step = *pgd;
  one_step.start = Pgd::Start::none;
  one_step.step = one_step.radius;
  one_step.steps = one_step.restarts = 1;
  const double fgsm = measure(s, m.loader, {.attack = &one_step}).percent();
  text += fmt::format("; under a single step (FGSM) it is {:.1f} %", fgsm);
  if (fgsm > 1.5 * m.now + 5)
    text +=
        ": catastrophic overfitting, the network resists only the attack it trains with; use more or smaller attack "
        "steps, or a random start";
  return text;
}

}  // namespace

void guard(Run& run, const RobustNow& m) {
  TrainingState& s = run.state;
  Progress& p = s.progress;
  if (s.experiment.loop.collapse == 0 || !has_collapsed(s, m)) {
    if (s.good && is_good(s, m)) s.good->take();
    return;
  }
  if (p.collapsed) return;
  std::string text = description(run, m);
  if (s.good) {
    s.good->put_back();
    ++p.rollbacks;
    text += fmt::format("; the run goes on from its last good state (roll-back {})", p.rollbacks);
  } else {
    p.collapsed = 1;
  }
  run.warn(text);
}

void probe(Run& run) {
  TrainingState& s = run.state;
  Progress& p = s.progress;
  if (!s.probe || p.total_steps % s.experiment.loop.probe.every != 0) return;
  const Attack* const attack = s.experiment.evaluation.validation.attack.get();
  const double now = measure(s, *s.probe, {.attack = attack}).percent();
  run.log.probe({.epoch = p.epoch, .step = p.step, .total_step = p.total_steps, .robust = now});
  const bool train = s.experiment.loop.probe.split == ProbeSection::Split::train;
  guard(run, {.now = now,
              .best = p.probe_best,
              .best_at = "the best probe",
              .images = fmt::format("{} {} images after step {}", s.probe->size(), train ? "training" : "validation",
                                    p.total_steps),
              .loader = *s.probe});
  p.probe_best = std::max(p.probe_best, now);
}

}  // namespace temper
