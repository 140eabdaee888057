#include "analysis/loss_terms.h"

#include <map>

#include "core/ops/elementwise.h"
#include "core/ops/loss.h"

namespace temper {

namespace {

using Term = Var (*)(Tape&, const LossViews&);

enum class Cut : uint8_t { natural, robust };

// 1 - cos of the features, averaged over the taps, with the gradient cut on one side.
Var invariance(Tape& tape, const LossViews& v, Cut cut) {
  Var sum;
  const auto count = static_cast<float>(v.natural_features.size());
  for (size_t i = 0; i < v.natural_features.size(); ++i) {
    const Var a = v.robust_features[i], b = v.natural_features[i];
    const Var one =
        cosine_distance(tape, cut == Cut::robust ? stop_gradient(a) : a, cut == Cut::natural ? stop_gradient(b) : b);
    sum = i == 0 ? scale(tape, one, 1 / count) : add(tape, sum, one, 1 / count);
  }
  return sum;
}

const std::map<std::string, Term>& terms() {
  static const std::map<std::string, Term> all = {
      {"clean_ce", [](Tape& t, const LossViews& v) { return cross_entropy(t, v.natural, v.labels); }},
      {"adversarial_ce", [](Tape& t, const LossViews& v) { return cross_entropy(t, v.robust, v.labels); }},
      {"kl", [](Tape& t, const LossViews& v) { return kl_divergence(t, v.robust, v.natural); }},
      {"kl_adversarial",
       [](Tape& t, const LossViews& v) { return kl_divergence(t, v.robust, stop_gradient(v.natural)); }},
      {"invariance", [](Tape& t, const LossViews& v) { return invariance(t, v, Cut::natural); }},
      {"invariance_clean", [](Tape& t, const LossViews& v) { return invariance(t, v, Cut::robust); }},
      {"invariance_symmetric", [](Tape& t, const LossViews& v) {
         return add(t, scale(t, invariance(t, v, Cut::natural), 0.5f), invariance(t, v, Cut::robust), 0.5f);
       }}};
  return all;
}

}  // namespace

void LossPair::fields(Fields& f) {
  f("first", first, "terms whose sum is differentiated for G1");
  f("second", second, "the same for G2");
  std::vector<std::string> known;
  for (const auto& [name, term] : terms()) known.push_back(name);
  for (const char* key : {"first", "second"}) {
    const std::vector<std::string>& names = std::string(key) == "first" ? first : second;
    if (names.empty()) f.reject(key, "expected at least one of ", join(known));
    for (const std::string& name : names)
      if (!terms().count(name))
        f.reject(key, "unknown term '", name, "'", did_you_mean(name, known), " (known: ", join(known), ")");
  }
}

Var sum_of_terms(Tape& tape, const std::vector<std::string>& names, const LossViews& views) {
  Var sum;
  for (const std::string& name : names) {
    const Var one = terms().at(name)(tape, views);
    sum = sum.value ? add(tape, sum, one) : one;
  }
  TEMPER_CHECK(sum.needs_grad(), "conflict: ", join(names, "+"),
               " depends on no weight; choose analysis.taps after a layer that has weights");
  return sum;
}

}  // namespace temper
