#include "evaluation/precision_audit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attacks/fitted_scale.h"
#include "attacks/gradient_watch.h"
#include "core/host.h"
#include "data/loader.h"
#include "kernels/runtime/memory.h"
#include "nn/weights_check.h"

namespace temper {

namespace {

using Values = std::vector<double>;

// A side's answers for one batch, as host values: the engines share no memory.
class Probe {
 public:
  Probe(const PrecisionSide& side, const ImageSet& set, int64_t batch_size)
      : side_(side), loader_(side.engine, set, {.batch_size = batch_size}) {}

  int64_t batches() const { return loader_.batches(); }
  Batch load(int64_t index) { return loader_.load(0, index); }
  Tensor attacked(const Attack& attack, Batch batch) const {
    batch.notes = blank_notes(side_.engine, batch.size());
    const Tensor found =
        attack.run({side_.engine, batch, {side_.network, side_.pass}, RngStream(side_.engine.seed())}).images;
    read_notes(side_.engine, batch.notes, attack);
    return found;
  }
  Values gradient(const Tensor& images, const Tensor& labels) const {
    const Arena::Scope scope(side_.engine.arena());
    const FittedScale scale(side_.engine, images.shape[0]);
    Tape tape(side_.engine, Wrt::input);
    const Var x = tape.input(images);
    scale.backward(tape, x, log_odds(tape, side_.network(tape, x, side_.pass), labels));
    return host_values(side_.engine, tape.grad(x));
  }
  Values losses(const Tensor& images, const Tensor& labels) const {
    Tape tape(side_.engine, Wrt::nothing);
    const Var logits = side_.network(tape, tape.input(images), side_.pass);
    return host_values(side_.engine, cross_entropy(tape, logits, labels, Reduction::none).value);
  }
  std::vector<int32_t> labels(const Tensor& images) const {
    return predictions(side_.engine, side_.network.predict(side_.engine, images, side_.pass));
  }
  // Another side's images in this one's memory.
  Tensor take(const Tensor& images, const Probe& from) const {
    synchronize(from.side_.engine.stream());
    const Tensor own = side_.engine.arena().tensor(images.shape, images.dtype);
    copy(side_.engine.stream(), own.data, own.device, images.data, images.device, images.bytes());
    synchronize(side_.engine.stream());
    return own;
  }

 private:
  const PrecisionSide& side_;
  Loader loader_;
};

int sign(double v) { return (v > 0) - (v < 0); }

double cosine(const double* a, const double* b, size_t n) {
  const double ab = std::inner_product(a, a + n, b, 0.0), aa = std::inner_product(a, a + n, a, 0.0),
               bb = std::inner_product(b, b + n, b, 0.0);
  if (aa == 0 || bb == 0) return aa == bb ? 1 : 0;
  return ab / std::sqrt(aa * bb);
}

// Adds one batch; finish() turns sums into shares.
void add(PrecisionAudit::Gradients& to, const Values& reference, const Values& other, size_t samples) {
  const size_t pixels = reference.size() / samples;
  for (size_t i = 0; i < samples; ++i) {
    const double *a = reference.data() + i * pixels, *b = other.data() + i * pixels;
    const double share = 1.0 / static_cast<double>(pixels);
    for (size_t c = 0; c < pixels; ++c) {
      to.same_sign += share * (sign(a[c]) == sign(b[c]));
      to.zero_reference += share * (a[c] == 0);
      to.zero += share * (b[c] == 0);
    }
    to.cosine += cosine(a, b, pixels);
  }
}

void finish(PrecisionAudit::Gradients& g, double images) {
  for (double* sum : {&g.same_sign, &g.cosine, &g.zero, &g.zero_reference}) *sum /= images;
}

double count_equal(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  return static_cast<double>(
      std::inner_product(a.begin(), a.end(), b.begin(), int64_t{0}, std::plus<>(), std::equal_to<>()));
}

double sum(const Values& v) { return std::accumulate(v.begin(), v.end(), 0.0); }

}  // namespace

PrecisionAudit audit_precision(const PrecisionSide& reference, const PrecisionSide& other, const ImageSet& set,
                               const Attack& attack, int64_t batch_size,
                               const std::function<void(int64_t, int64_t)>& progress) {
  for (const PrecisionSide* side : {&reference, &other})
    check_weights(side->engine, side->pass.weights ? *side->pass.weights : side->network.weights(), "audit");
  Probe a(reference, set, batch_size), b(other, set, batch_size);
  PrecisionAudit audit;
  for (int64_t index = 0; index < a.batches(); ++index) {
    const Arena::Scope scope_a(reference.engine.arena()), scope_b(other.engine.arena());
    const Batch in_a = a.load(index), in_b = b.load(index);
    const auto samples = static_cast<size_t>(in_a.size());
    const std::vector<int32_t> truth = host_indices(reference.engine, in_a.labels);

    const Tensor found = a.attacked(attack, in_a), found_by_other = a.take(b.attacked(attack, in_b), b);
    add(audit.clean, a.gradient(in_a.images, in_a.labels), b.gradient(in_b.images, in_b.labels), samples);
    add(audit.adversarial, a.gradient(found, in_a.labels), b.gradient(b.take(found, a), in_b.labels), samples);
    audit.same_label += count_equal(a.labels(in_a.images), b.labels(in_b.images));
    audit.loss_reference += sum(a.losses(found, in_a.labels));
    audit.loss += sum(a.losses(found_by_other, in_a.labels));
    audit.robust_reference += count_equal(a.labels(found), truth);
    audit.robust += count_equal(a.labels(found_by_other), truth);
    audit.images += in_a.size();
    if (progress) progress(audit.images, set.size());
  }
  const auto n = static_cast<double>(audit.images);
  finish(audit.clean, n);
  finish(audit.adversarial, n);
  for (double* percent : {&audit.same_label, &audit.robust, &audit.robust_reference}) *percent *= 100 / n;
  audit.loss /= n;
  audit.loss_reference /= n;
  return audit;
}

}  // namespace temper
