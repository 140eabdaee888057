// Rules between the sections of an experiment.
#include "trainers/experiment.h"

namespace temper {

namespace {

// Averages have to begin before training ends.
void check_averages(const Fields& f, const LoopSection& loop, const EmaOptions& ema, const SwaOptions& swa) {
  if ((loop.select == Select::ema && !ema.on()) || (loop.select == Select::swa && !swa.on()))
    f.reject("loop.select", "names an average that is off; set ema.decay or swa.start");
  if (!swa.on() || swa.start <= loop.epochs) return;
  if (loop.select == Select::swa)
    f.reject("swa.start", "expected 1 to ", loop.epochs,
             ", the epochs of loop.epochs, because loop.select: swa needs an ", "average, got ", swa.start);
  f.warn("swa.start", "epoch ", swa.start, " never comes, because loop.epochs is ", loop.epochs,
         ": nothing is averaged");
}

void check_perturbation(const Fields& f, const LoopSection& loop, const AwpOptions& awp) {
  if (awp.on() && awp.start > loop.epochs)
    f.warn("awp.start", "epoch ", awp.start, " never comes, because loop.epochs is ", loop.epochs,
           ": no weights are perturbed");
}

void check_validations(const Fields& f, const LoopSection& loop, int64_t images) {
  if (images > 0 && loop.eval_every > 0) return;
  const char* off = images == 0 ? "data.validation is 0" : "loop.eval_every is 0";
  if (loop.early_stop > 0) f.reject("loop.early_stop", "needs validations, but ", off);
  if (loop.select != Select::model) f.warn("loop.select", "has nothing to choose by, because ", off);
}

void check_probe(const Fields& f, const LoopSection& loop, int64_t images) {
  if (loop.probe.on() && loop.probe.split == ProbeSection::Split::validation && images == 0)
    f.reject("loop.probe.split", "validation has no images, because data.validation is 0; set loop.probe.split: train");
  if (loop.on_collapse == OnCollapse::roll_back && loop.collapse == 0)
    f.reject("loop.on_collapse", "roll_back never happens, because loop.collapse is 0; set loop.collapse, such as 0.5");
}

}  // namespace

void Experiment::check(Fields& f) const {
  check_averages(f, loop, ema, swa);
  check_perturbation(f, loop, awp);
  check_validations(f, loop, data.validation);
  check_probe(f, loop, data.validation);
  optimizer.check(f.enter("optimizer"), loop.epochs);
  schedule.schedule->check(f.enter("schedule"), loop.epochs);
  trainer.method->check(f.enter("trainer"), loop.epochs);
}

}  // namespace temper
