#include "attacks/driver.h"

#include <algorithm>

#include "attacks/attack_observer.h"
#include "attacks/fitted_scale.h"
#include "attacks/gradient_watch.h"
#include "attacks/slices.h"
#include "attacks/survivors.h"
#include "kernels/argmax/argmax.h"
#include "kernels/fill/fill.h"
#include "kernels/keep_better/keep_better.h"
#include "kernels/misclassified/misclassified.h"
#include "kernels/row_progress/row_progress.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/range.h"

namespace temper {

namespace {

constexpr int kNever = std::numeric_limits<int>::max();

void check_batch(const char* name, const Batch& batch) {
  const Shape& shape = batch.images.shape;
  TEMPER_CHECK(shape.rank() >= 2 && batch.images.numel() > 0, name, ": expected images (N, ...), got ", shape);
  const auto check = [&](const char* what, const Tensor& t) {
    TEMPER_CHECK(t.shape == Shape{shape[0]} && t.dtype == DType::i32, name, ": images are ", shape, " so ", what,
                 " must be (", shape[0], ") i32, got ", t.shape, " ", t.dtype);
  };
  check("labels", batch.labels);
  check("ids", batch.ids);
  if (batch.targets) check("targets", batch.targets);
}

/// The attack on a slice, or on its remaining rows.
class Part {
 public:
  Part(const AttackCall& call, const BatchRows& of, const Objective& objective, const AttackDrive& how,
       const MakePolicy& make, const AttackResult& to)
      : call_(call), of_(of), objective_(objective), how_(how), make_(make), to_(to) {}

  void attack(int first_run) {
    const PhaseRange phase(stream(), "attack");
    Arena& arena = call_.engine.arena();
    const Arena::Scope scope(arena);
    const Tensor& clean = call_.batch.images;
    x_ = how_.selects() ? arena.tensor(clean.shape, clean.dtype) : to_.images;
    const GradientWatch watch(call_.engine, call_.batch);
    if (stops_rows()) {
      active_ = arena.tensor({rows()}, DType::i32);
      wrong_ = arena.tensor({rows()}, DType::i32);
      row_steps_ = of_(how_.row_steps);
    }
    const std::unique_ptr<StepPolicy> policy = make_(call_, of_);
    int run = first_run;
    while (run < how_.runs) {
      attack_once(*policy, watch, run++);
      if (run == how_.runs || !leaves_out()) continue;
      const std::optional<Tensor> rest = survivors(call_.engine, to_.success);
      if (!rest) break;
      if (rest->numel() == rows()) continue;
      go_on_with(*rest, watch.notes(), run);
      break;
    }
    if (!stops_rows()) count(run - first_run);
    watch.report();
  }

 private:
  Stream stream() const { return call_.engine.stream(); }
  int64_t rows() const { return call_.batch.size(); }
  bool stops_rows() const { return how_.patience || how_.row_steps; }
  bool by_success() const { return how_.selects() && how_.kept == Kept::any_success; }
  bool leaves_out() const { return call_.wanted == Wanted::success && by_success() && !recording(stream()); }

  void attack_once(StepPolicy& policy, const GradientWatch& watch, int run) {
    policy.start(x_, run);
    const Arena::Scope scope(call_.engine.arena());
    const FittedScale scale(call_.engine, rows(), call_.classifier.samples_meet() ? ScaleOf::batch : ScaleOf::sample);
    for (int step = 0; step < how_.steps; ++step) {
      Tape tape(call_.engine, Wrt::input);  // one per step: nothing accumulates
      const Var images = tape.input(x_);
      AttackPoint at = evaluate(tape, images, step);
      scale.backward(tape, images, loss_);
      at.run = run;
      at.gradient = tape.grad(images);
      watch.look(at.gradient, at.loss);
      policy.step(at);
    }
    if (!how_.selects()) return;
    Tape tape(call_.engine, Wrt::nothing);
    evaluate(tape, tape.input(x_), how_.steps);
  }

  /// Evaluates network and objective before step number `step`, and updates selection and counters.
  AttackPoint evaluate(Tape& tape, const Var& images, int step) {
    Taps taps(call_.classifier.taps());
    const Var logits = call_.classifier(tape, images, call_.classifier.taps().empty() ? nullptr : &taps);
    loss_ = objective_(tape, {images, logits, taps, call_.batch, of_});
    TEMPER_CHECK(loss_.value.shape == Shape{rows()}, how_.name, ": the objective must give one value per sample (",
                 rows(), ") so that samples do not affect each other, got ", loss_.value.shape,
                 "; use Reduction::none");
    AttackPoint at{.step = step, .images = x_, .loss = loss_.value};
    const bool offers = how_.offered == Offered::every || (how_.selects() && step == how_.steps);
    if ((offers && by_success()) || how_.patience) at.success = success(tape, logits.value);
    if (offers) offer(by_success() ? at.success : at.loss);
    if (stops_rows()) advance(at);
    return at;
  }

  Tensor success(Tape& tape, const Tensor& logits) const {
    const Tensor predicted = tape.alloc({rows()}, DType::i32), found = tape.alloc({rows()}, x_.dtype);
    dispatch_full(x_.dtype, [&](auto tag) {
      using T = decltype(tag);
      const Batch& b = call_.batch;
      argmax(stream(), rows(), static_cast<int>(logits.shape[1]), predicted.as<int32_t>(), logits.as<const T>());
      const auto judge = b.targets ? taken_for<T> : misclassified<T>;
      judge(stream(), rows(), found.as<T>(), predicted.as<const int32_t>(),
            (b.targets ? b.targets : b.labels).template as<const int32_t>());
    });
    return found;
  }

  /// Keeps those samples of x_ whose score is at least the best so far.
  void offer(const Tensor& score) const {
    const Tensor& best = by_success() ? to_.success : to_.loss;
    dispatch_full(x_.dtype, [&](auto tag) {
      using T = decltype(tag);
      keep_better(stream(), rows(), static_cast<int>(x_.numel() / rows()), to_.images.as<T>(), best.as<T>(),
                  x_.as<const T>(), score.as<const T>());
    });
  }

  void advance(AttackPoint& at) const {
    at.active = active_;
    dispatch_full(x_.dtype, [&](auto tag) {
      using T = decltype(tag);
      advance_rows<T>(stream(), rows(),
                      {active_.as<int32_t>(), wrong_.as<int32_t>(), to_.steps.as<int32_t>(), to_.queries.as<int32_t>()},
                      {.step = at.step,
                       .steps = how_.steps,
                       .patience = how_.patience.value_or(kNever),
                       .success = at.success.as<const T>(),
                       .row_steps = row_steps_.as<const int32_t>()});
    });
  }

  void count(int runs) const {
    add_to_rows(stream(), rows(), to_.steps.as<int32_t>(), runs * how_.steps);
    add_to_rows(stream(), rows(), to_.queries.as<int32_t>(), runs * (how_.steps + how_.selects()));
  }

  /// The runs from `run` on of the rows that `index` lists.
  void go_on_with(const Tensor& index, const Tensor& notes, int run) const {
    Engine& engine = call_.engine;
    const auto of_rest = [&](const Tensor& t) { return t ? gathered(engine, t, index) : Tensor{}; };
    const Batch& b = call_.batch;
    const Batch rest{.images = of_rest(b.images),
                     .labels = of_rest(b.labels),
                     .ids = of_rest(b.ids),
                     .targets = of_rest(b.targets),
                     .notes = of_rest(notes),
                     .other_labels = of_rest(b.other_labels),
                     .other_share = of_rest(b.other_share)};
    const AttackResult result{of_rest(to_.images), of_rest(to_.success), of_rest(to_.loss), of_rest(to_.steps),
                              of_rest(to_.queries)};
    Part({engine, rest, call_.classifier, call_.random, call_.wanted}, BatchRows(of_, index), objective_, how_, make_,
         result)
        .attack(run);
    for (const auto& [from, to] : {std::pair{rest.notes, notes},
                                   {result.images, to_.images},
                                   {result.success, to_.success},
                                   {result.loss, to_.loss},
                                   {result.steps, to_.steps},
                                   {result.queries, to_.queries}})
      if (from) scatter(engine, from, to, index);
  }

  const AttackCall& call_;
  const BatchRows& of_;
  const Objective& objective_;
  const AttackDrive& how_;
  const MakePolicy& make_;
  const AttackResult& to_;
  Tensor x_, active_, wrong_, row_steps_;
  Var loss_;  ///< at x_, on the tape of the step
};

/// The initial state: unchanged images, with a loss lower than any.
AttackResult blank_result(Engine& engine, const Tensor& images, const AttackDrive& how) {
  Arena& arena = engine.arena();
  const int64_t n = images.shape[0];
  AttackResult r{.images = arena.tensor(images.shape, images.dtype),
                 .steps = arena.tensor({n}, DType::i32),
                 .queries = arena.tensor({n}, DType::i32)};
  for (const Tensor& t : {r.steps, r.queries}) set_zero(engine.stream(), t.data, t.bytes());
  if (!how.selects()) return r;
  Tensor& score = how.kept == Kept::any_success ? r.success : r.loss;
  score = arena.tensor({n}, images.dtype);
  copy(engine.stream(), r.images.data, r.images.device, images.data, images.device, images.bytes());
  dispatch_full(score.dtype, [&](auto tag) {
    using T = decltype(tag);
    fill(engine.stream(), n, score.as<T>(), -std::numeric_limits<T>::infinity());
  });
  return r;
}

}  // namespace

AttackResult drive(const AttackCall& call, const Objective& objective, const AttackDrive& how, const MakePolicy& make) {
  check_batch(how.name, call.batch);
  Engine& engine = call.engine;
  const AttackResult result = blank_result(engine, call.batch.images, how);
  const int64_t n = call.batch.size();
  each_slice(engine, n, call.classifier.samples_at_a_time(engine, n), [&](Engine& on, const BatchRows& of) {
    const Batch part = of(call.batch);
    const AttackResult to{of(result.images), of(result.success), of(result.loss), of(result.steps), of(result.queries)};
    Part({on, part, call.classifier, call.random, call.wanted}, of, objective, how, make, to).attack(0);
  });
  if (AttackObserver* observer = engine.options().attacks) observer->on_found(engine, result.images);
  return result;
}

}  // namespace temper
