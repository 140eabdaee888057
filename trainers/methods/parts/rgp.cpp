#include "trainers/methods/parts/rgp.h"

#include <set>

#include "core/text.h"
#include "kernels/fill/fill.h"
#include "kernels/threshold_mask/threshold_mask.h"

namespace temper {

namespace {

std::vector<Slice> slices(const ParamLayout& layout, const std::vector<int>& maskable,
                          RgpOptions::Threshold threshold) {
  std::vector<Slice> out;
  for (const int i : maskable)
    out.push_back({layout[i].offset, layout[i].shape.numel(),
                   threshold == RgpOptions::Threshold::global ? 0 : static_cast<int32_t>(out.size())});
  return out;
}

// By name, as in the official code.
bool is_classifier(const std::string& name) { return glob_matches("*linear*", name) || glob_matches("*fc*", name); }

std::set<int> matches(const ParamLayout& layout, const std::vector<std::string>& globs) {
  std::set<int> found;
  for (const std::string& glob : globs) {
    const std::vector<int> more = layout.match(glob);
    TEMPER_CHECK(!more.empty(), "trainer.rgp.globs: no parameter matches '", glob, "'");
    found.insert(more.begin(), more.end());
  }
  return found;
}

}  // namespace

void RgpOptions::fields(Fields& f) {
  f("percent", percent, Limits::at_least(0).below(100).or_zero().usually(1, 99),
    "percentage of a tensor's weights that are masked in a step; 0: no mask");
  f("alpha", alpha, Limits::between(0, 1), "weight of the natural gradient in the score; the robust one has 1 - alpha");
  f.choice("score", score,
           {{"abs", Score::abs},
            {"signed_sum", Score::signed_sum},
            {"abs_of_sum", Score::abs_of_sum},
            {"step_abs", Score::step_abs},
            {"step_signed", Score::step_signed}},
           "abs: alpha |natural| + (1 - alpha) |robust| (paper); signed_sum: without magnitudes (code); abs_of_sum; "
           "step_abs, step_signed: of the step's own gradient (code, rgp and grad_mode all)");
  f.choice("robust", robust, {{"cross_entropy", RobustTerm::cross_entropy}, {"kl", RobustTerm::kl}},
           "the robust term: cross entropy of adversarial images (paper) or KL(clean || adversarial) (code)");
  f.choice("maskable", maskable,
           {{"all_but_classifier", Maskable::all_but_classifier},
            {"conv1", Maskable::conv1},
            {"all", Maskable::all},
            {"globs", Maskable::globs}},
           "which parameters may be masked; conv1: as in the code, names with conv1 except the first parameter");
  f("globs", globs, "with maskable: globs, the names of the parameters, such as [\"layer*.conv?.weight\"]");
  f.choice("threshold", threshold, {{"per_tensor", Threshold::per_tensor}, {"global", Threshold::global}},
           "the threshold of a score: a percentile of its tensor, or of all maskable tensors together");
  f.choice("gate", gate, {{"gradient", MaskMode::zero_gradient}, {"all", MaskMode::freeze}},
           "gradient: momentum and weight decay still move a masked weight (paper, code); all: a masked weight does "
           "not move");
  if ((maskable == Maskable::globs) == globs.empty())
    f.reject("globs", "expected globs with maskable: globs, and none otherwise, got ", globs.size());
}

std::vector<int> maskable_parameters(const ParamLayout& layout, const RgpOptions& options) {
  using Maskable = RgpOptions::Maskable;
  const std::set<int> listed = matches(layout, options.globs);
  std::vector<int> out;
  for (int i = 0; i < layout.count(); ++i) {
    const std::string& name = layout[i].name;
    const bool wanted = options.maskable == Maskable::all ||
                        (options.maskable == Maskable::all_but_classifier && !is_classifier(name)) ||
                        (options.maskable == Maskable::conv1 && i > 0 && glob_matches("*conv1*", name)) ||
                        listed.count(i) > 0;
    if (wanted && !layout[i].frozen) out.push_back(i);
  }
  TEMPER_CHECK(!out.empty(),
               "trainer.rgp.maskable: expected at least one parameter that the mask may touch, got none; ",
               "name some with maskable: globs, or set percent: 0");
  return out;
}

Rgp::Rgp(Engine& engine, const Network& network, const RgpOptions& options)
    : options_(options),
      natural_(network.params(), network.options().dtype, engine.stream()),
      robust_(network.params(), network.options().dtype, engine.stream()),
      mask_(network.params(), network.options().dtype, engine.stream()),
      maskable_(maskable_parameters(network.params(), options)),
      plan_(std::make_unique<PercentilePlan>(engine.stream(), slices(network.params(), maskable_, options.threshold),
                                             options.percent)),
      kept_(engine.stream(), static_cast<size_t>(threshold_mask_counters(*plan_))) {
  dispatch_full(mask_.dtype(), [&](auto tag) {
    using T = decltype(tag);
    fill<T>(engine.stream(), mask_.layout().size(), mask_.all().as<T>(), T(1));
  });
}

void Rgp::update(Engine& engine, const ParamBuffer& step) {
  using Score = RgpOptions::Score;
  const Arena::Scope scope(engine.arena());
  const Stream stream = engine.stream();
  const Tensor thresholds = engine.arena().tensor({plan_->groups()}, mask_.dtype());
  dispatch_full(mask_.dtype(), [&](auto tag) {
    using T = decltype(tag);
    T* score = robust_.all().as<T>();
    const T* gradient = step.all().as<T>();
    const auto score_of = [&](const T* natural, const T* robust, double alpha, RgpForm form) {
      rgp_score<T>(stream, step.layout().size(), score, natural, robust, alpha, form);
    };
    switch (options_.score) {
      case Score::abs: score_of(natural_.all().as<T>(), score, options_.alpha, RgpForm::abs); break;
      case Score::signed_sum: score_of(natural_.all().as<T>(), score, options_.alpha, RgpForm::signed_sum); break;
      case Score::abs_of_sum: score_of(natural_.all().as<T>(), score, options_.alpha, RgpForm::abs_of_sum); break;
      case Score::step_abs: score_of(gradient, gradient, 1, RgpForm::abs); break;
      case Score::step_signed: score_of(gradient, gradient, 1, RgpForm::signed_sum); break;
    }
    percentile<T>(stream, *plan_, score, thresholds.as<T>());
    threshold_mask<T>(stream, *plan_, score, thresholds.as<T>(), mask_.all().as<T>(), kept_.data());
  });
  robust_.bump_version();
  mask_.bump_version();
}

void Rgp::metrics(const MetricSink& to) const {
  const ParamLayout& layout = mask_.layout();
  const std::vector<int64_t> kept = kept_per_slice(*plan_, kept_.read(mask_.stream()));
  double sum = 0, all = 0;
  for (size_t k = 0; k < maskable_.size(); ++k) {
    const Param& p = layout[maskable_[k]];
    const double n = static_cast<double>(p.shape.numel()), moved = static_cast<double>(kept[k]);
    to("kept/" + p.name, moved / n);
    sum += moved;
    all += n;
  }
  to("kept/total", sum / all);
}

}  // namespace temper
