#include "trainers/methods/parts/balance.h"

#include <cmath>

#include "core/ops/loss.h"

namespace temper {

void Balance::fields(Fields& f) {
  f.choice("rule", rule, {{"auto", Rule::automatic}, {"fixed", Rule::fixed}},
           "auto: adversarial weight = (training accuracy of the clean branch)^exponent, measured every epoch");
  f("weight", weight, Limits::between(0, 1), "with rule: fixed, the weight of adversarial images");
  f("exponent", exponent, Limits::above(0).usually(0.01, 100), "of rule auto");
  f.choice("clean", clean, {{"power", Clean::power}, {"complement", Clean::complement}, {"given", Clean::given}},
           "weight of clean images: power: (1 - accuracy)^exponent, as in the code (with rule: fixed, 1 - weight); "
           "complement: 1 - the weight of adversarial images; given: clean_weight");
  f("clean_weight", clean_weight, Limits::at_least(0).usually(0, 100),
    "with clean: given, the weight of clean images; 1 in the code without automatic weights");
  f("images", images, Limits::at_least(1),
    "with rule: auto, the number of images to measure the accuracy on, rounded up to whole batches");
}

void Balance::measure(TrainContext& context, const Pass& pass) {
  if (rule == Rule::fixed) return;
  TEMPER_CHECK(context.train,
               "balance: rule auto measures accuracy on training images, so the context must have them; "
               "set TrainContext::train, or balance.rule: fixed");
  Engine& engine = context.engine;
  int64_t right = 0, seen = 0;
  for (int64_t b = 0; b < context.train->batches() && seen < images; ++b) {
    const Arena::Scope scope(engine.arena());
    const Batch batch = context.train->load(context.epoch.unwatched(), b);
    right += count_correct(engine, context.model.predict(engine, batch.images, pass), batch.labels);
    seen += batch.size();
  }
  const double accuracy = static_cast<double>(right) / static_cast<double>(seen);
  weight = std::pow(accuracy, exponent);
  if (powered()) clean_weight = std::pow(1 - accuracy, exponent);
}

double Balance::weight_of_clean() const { return powered() || clean == Clean::given ? clean_weight : 1 - weight; }

void Balance::live_values(const MetricSink& put) const {
  const auto adversarial = static_cast<float>(weight);
  put("adversarial_weight", adversarial);
  // 1 minus the other weight, also in f32.
  put("clean_weight", of_accuracy() || clean == Clean::given ? weight_of_clean() : double{1 - adversarial});
}

void Balance::visit_state(StateVisitor& v, const std::string& name) {
  v.unrecorded(name + ".adversarial_weight", weight);
  if (powered()) v.unrecorded(name + ".clean_weight", clean_weight);
}

}  // namespace temper
