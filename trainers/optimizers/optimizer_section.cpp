#include "trainers/optimizers/optimizer_section.h"

namespace temper {

namespace {

/// Every optimiser, sgd with these defaults.
Registry<Optimizer> with_defaults(const SgdOptions& sgd) {
  Registry<Optimizer> all;
  for (const auto& [name, entry] : Registry<Optimizer>::instance().all())
    all.add(name.c_str(), entry.doc.c_str(),
            name == "sgd" ? [sgd] { return std::unique_ptr<Optimizer>(std::make_unique<Sgd>(sgd)); } : entry.make);
  return all;
}

}  // namespace

void GradientClip::fields(Fields& f) {
  f("norm", norm, Limits::at_least(0),
    "limit on the norm of the gradient over all parameters; a larger gradient is scaled down; 0: no limit");
  f("value", value, Limits::at_least(0), "limit on the magnitude of each element, after that; 0: no limit");
}

void ParameterGroup::fields(Fields& f) {
  f("parameters", parameters, "globs of the group's parameters, such as [\"fc.*\"]");
  if (parameters.empty()) f.reject("parameters", "expected at least one glob, such as [\"fc.*\"]");
  f("lr_factor", lr_factor, Limits::at_least(0).usually(0, 100), "what the learning rate is multiplied by");
  f("weight_decay_factor", weight_decay_factor, Limits::at_least(0).usually(0, 100),
    "what weight_decay is multiplied by");
  if (f.has("schedule"))
    schedule = Registry<Schedule>::instance().read(f, "schedule", schedule_name);
  else
    f.enter("schedule");  // known, and the run's own where it is not given
}

void OptimizerOptions::fields(Fields& f) {
  f("no_decay", no_decay, "globs of parameters without weight decay, such as [\"*.bias\"]");
  f.section("clip", clip);
  f.list("groups", groups,
         "groups of parameters with their own learning rate, weight decay or schedule; see "
         "training.md");
}

void OptimizerSection::read(Fields& parent, const char* key, const SgdOptions& sgd) {
  rule = with_defaults(sgd).read(parent, key, name, [&](Fields& f) { options.fields(f); });
}

void OptimizerSection::check(const Fields& f, int64_t epochs) const {
  for (size_t i = 0; i < options.groups.size(); ++i)
    if (const Schedule* own = options.groups[i].schedule.get())
      own->check(f.item("groups", i).enter("schedule"), epochs);
}

}  // namespace temper
