#include "apps/kinds.h"

#include "analysis/analysis.h"
#include "attacks/attack.h"
#include "data/dataset.h"
#include "nn/module.h"
#include "nn/sequential.h"
#include "trainers/experiment.h"
#include "trainers/optimizers/schedule.h"
#include "trainers/trainer.h"

namespace temper {

namespace {

template <class Base>
Kind kind(const char* name, const char* plural, const char* section, const char* part_of = "") {
  return {name,
          plural,
          section,
          [] {
            std::vector<std::pair<std::string, std::string>> out;
            for (const auto& [member, entry] : Registry<Base>::instance().all()) out.emplace_back(member, entry.doc);
            return out;
          },
          [](const std::string& member) {
            const Config nothing;
            Fields f(nothing);
            Registry<Base>::instance().make(member)->fields(f);
            return f.docs();
          },
          part_of};
}

}  // namespace

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {kind<Trainer>("trainer", "trainers", "trainer"),
                                        kind<Attack>("attack", "attacks", "evaluation.attacks.LABEL"),
                                        kind<Architecture>("model", "models", "model"),
                                        kind<LayerSpec>("layer", "layers", "model.layers", "sequential"),
                                        kind<DatasetReader>("data set", "data sets", "data"),
                                        kind<Optimizer>("optimizer", "optimizers", "optimizer"),
                                        kind<Schedule>("schedule", "schedules", "schedule"),
                                        kind<Analysis>("analysis", "analyses", "analysis")};
  return all;
}

std::vector<FieldDoc> experiment_fields() {
  const Config nothing;
  Fields f(nothing);
  Experiment().fields(f);
  return f.docs();
}

}  // namespace temper
