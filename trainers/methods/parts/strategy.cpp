#include "trainers/methods/parts/strategy.h"

#include <algorithm>

#include "core/draw.h"
#include "core/ops/elementwise.h"
#include "core/ops/loss.h"
#include "core/ops/per_sample.h"

namespace temper {

namespace {

/// A list with a limit: default values above it are left out, given ones refused.
template <class T>
void read_up_to(Fields& f, const char* key, std::vector<T>& values, const Limits& limits, T limit, const char* doc) {
  if (!f.has(key)) std::erase_if(values, [&](T v) { return v > limit; });
  f(key, values, limits, doc);
  if (values.empty() || *std::max_element(values.begin(), values.end()) <= limit) return;
  f.reject(key, "expected values up to attack.", key, ", which is ", number_text(static_cast<double>(limit)), ", got ",
           number_text(static_cast<double>(*std::max_element(values.begin(), values.end()))), "; raise trainer.attack.",
           key, ", or leave larger values out of the list");
}

/// The table of a list has one entry before the first, which is what the index -1 reads: that of outputs that are not
/// finite (core/draw.h).
template <class T>
std::vector<T> table(const std::vector<T>& values) {
  std::vector<T> all = {values.front()};
  all.insert(all.end(), values.begin(), values.end());
  return all;
}

}  // namespace

Var Strategy::Head::logits(Tape& tape, const Var& outputs) const { return columns(tape, outputs, first, count); }

void Strategy::fields(Fields& f, const Pgd& attack) {
  Fields own = f.enter("strategy");
  read_up_to(own, "radius", lists_.radius, Limits::at_least(0), attack.radius,
             "radii to choose from, up to attack.radius; []: attack.radius");
  read_up_to(own, "steps", lists_.steps, Limits::between(1, 1e6), attack.steps,
             "numbers of steps to choose from, up to attack.steps; []: attack.steps");
  own("step", lists_.step, Limits::above(0), "step sizes to choose from; []: attack.step");
  if (with_beta_)
    own("beta", lists_.beta, Limits::at_least(0).usually(0, 100), "weights of the KL term to choose from; []: beta");
  if (lists_.radius.empty() && lists_.steps.empty() && lists_.step.empty() && lists_.beta.empty())
    own.reject("radius", "expected at least one list with values, because there is nothing to choose otherwise");
  f.leave("strategy", own);
  policy_.fields(f);
}

void Strategy::begin(const TrainContext& c) {
  heads_.clear();
  int64_t outputs = 0;
  const auto add = [&](const char* name, size_t count) {
    if (count == 0) return;
    heads_.push_back({name, outputs, static_cast<int64_t>(count)});
    outputs += static_cast<int64_t>(count);
  };
  add("radius", lists_.radius.size());
  add("steps", lists_.steps.size());
  add("step", lists_.step.size());
  add("beta", lists_.beta.size());
  policy_.begin(c, outputs);

  const Stream stream = c.engine.stream();
  if (!lists_.steps.empty()) steps_ = DeviceArray<int32_t>(stream, table(lists_.steps));
  const std::pair<const char*, const std::vector<double>*> numbers[] = {
      {"radius", &lists_.radius}, {"step", &lists_.step}, {"beta", &lists_.beta}};
  layout_ = {};
  for (const auto& [name, list] : numbers)
    if (!list->empty()) layout_.add(name, {static_cast<int64_t>(list->size() + 1)}, nullptr);
  if (layout_.count() > 0) numbers_.emplace(layout_, c.model.options().dtype, stream);
  for (const auto& [name, list] : numbers)
    if (!list->empty()) numbers_->write(layout_.find(name), table(*list));
}

Strategy::Choices Strategy::act(Tape& tape, const TrainContext& c, const Batch& batch) const {
  const Var outputs{c.once("policy", [&] { return policy_.network().predict(c.engine, batch.images, Pass::eval()); })};
  Choices choices;
  for (const Head& head : heads_) {
    const std::string name = std::string("strategy.") + head.name;
    choices.push_back(c.once(
        name, [&] { return draw_classes(c.engine, head.logits(tape, outputs).value, batch.ids, c.random(name)); }));
  }
  return choices;
}

Strategy::Choices Strategy::draw(Tape& tape, const TrainContext& c, const Var& outputs, const Batch& batch) const {
  Choices choices;
  for (const Head& head : heads_) {
    const RngStream random = c.random(std::string("learning ") + head.name);
    choices.push_back(draw_classes(c.engine, head.logits(tape, outputs).value, batch.ids, random));
  }
  return choices;
}

Var Strategy::minus_log_likelihood(Tape& tape, const Var& outputs, const Choices& choices) const {
  std::optional<Var> sum;
  for (size_t i = 0; i < heads_.size(); ++i) {
    const Var one = cross_entropy(tape, heads_[i].logits(tape, outputs), choices[i]);
    sum = sum ? add(tape, *sum, one) : one;
  }
  return *sum;
}

Tensor Strategy::chosen(Engine& engine, const char* name, const Choices& choices) const {
  for (size_t i = 0; i < heads_.size(); ++i)
    if (std::string_view(heads_[i].name) == name) {
      const Tensor all = std::string_view(name) == "steps"
                             ? Tensor{steps_.data(), {heads_[i].count + 1}, DType::i32, engine.device()}
                             : numbers_->view(layout_.find(name));
      return gathered(engine, all.rows(1, heads_[i].count), choices[i]);
    }
  return {};
}

PgdPlan Strategy::plan(Engine& engine, const Choices& choices) const {
  return {.radius = chosen(engine, "radius", choices),
          .step = chosen(engine, "step", choices),
          .steps = chosen(engine, "steps", choices)};
}

Tensor Strategy::betas(Engine& engine, const Choices& choices) const { return chosen(engine, "beta", choices); }

}  // namespace temper
