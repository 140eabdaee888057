// The names of a Pgd in configurations and reports.
#include <fmt/format.h>

#include <cmath>

#include "attacks/pgd.h"

namespace temper {

namespace {

template <class E>
using Names = std::initializer_list<std::pair<const char*, E>>;

using Start = PgdOptions::Start;
using Return = PgdOptions::Return;
using RestartRule = PgdOptions::RestartRule;
using Loss = PgdOptions::Loss;
using Gradient = PgdOptions::Gradient;
using L2Order = PgdOptions::L2Order;

constexpr Names<Norm> kNorms = {{"linf", Norm::linf}, {"l2", Norm::l2}};
constexpr Names<Start> kStarts = {{"none", Start::none},
                                  {"uniform", Start::uniform},
                                  {"uniform_unclipped", Start::uniform_unclipped},
                                  {"gauss001", Start::gauss001},
                                  {"gauss001_clipped", Start::gauss001_clipped}};
constexpr Names<Return> kReturns = {
    {"last", Return::last}, {"best_loss", Return::best_loss}, {"any_success", Return::any_success}};
constexpr Names<RestartRule> kRules = {{"best_loss", RestartRule::best_loss},
                                       {"any_success", RestartRule::any_success}};
constexpr Names<Gradient> kGradients = {{"unsaturated", Gradient::unsaturated}, {"pytorch", Gradient::pytorch}};
constexpr Names<L2Order> kOrders = {{"ball_first", L2Order::ball_first}, {"box_first", L2Order::box_first}};
constexpr Names<Loss> kLosses = {{"cross_entropy", Loss::cross_entropy}, {"margin", Loss::margin}};

constexpr Limits kSize = Limits::at_least(0), kKappa = Limits::at_least(0).usually(0, 1000),
                 kMomentum = Limits::at_least(0).usually(0, 1);
/// In L2; in Linf half of the pixel range turns every image into plain grey.
constexpr double kUsualL2 = 10, kGrey = 0.5;

/// The hint "; write 8/255" for a number that would be valid in units of 1/255.
std::string in_255ths(double value, double most) {
  return value / 255 <= most ? fmt::format("; write {}/255", value) : "";
}

template <class E>
const char* name_of(Names<E> names, E value) {
  for (const auto& [name, v] : names)
    if (v == value) return name;
  return "?";
}

}  // namespace

void Pgd::fields(Fields& f) {
  f.choice("norm", norm, kNorms, "which ball the perturbation stays in");
  f("radius", radius, kSize, "eps: the ball's radius in [0, 1] pixel units, such as 8/255");
  f("step", step, kSize, "alpha: length of a step in the same units; 0: radius / steps");
  f("steps", steps, kSteps, "gradient steps of one run");
  f.choice("start", start, kStarts,
           "random start: none, uniform in the ball, not clipped to [0, 1], 0.001 N(0, 1), clipped");
  f("restarts", restarts, kRestarts, "independent runs; for each sample one of them is returned");
  f.choice("return", returns, kReturns, "which point of a run is returned for each sample");
  f.choice("restart_rule", restart_rule, kRules, "which run's last point is returned, if return is last");
  f.choice("l2_order", l2_order, kOrders,
           "L2: project to the ball, then to [0, 1]; or, as in TRADES' training, to "
           "[0, 1], then to the ball");
  f.choice("loss", loss, kLosses, "the loss to maximise: cross entropy, or the margin loss (called C&W in papers)");
  f.choice("gradient", gradient, kGradients,
           "gradient of cross entropy and KL: without the factor that makes it vanish where the network is "
           "confident, or as in PyTorch");
  f("kappa", kappa, kKappa, "margin loss: margin beyond which a sample has no gradient; 50 is never reached");
  f("momentum", momentum, kMomentum, "MI-FGSM's decay factor; 0: plain gradients");
  if (const auto p = problem()) f.reject(p->key, p->text);
  check_sizes(f);
}

std::optional<Pgd::Problem> Pgd::problem() const {
  struct {
    const char* key;
    double value;
    Limits limits;
  } const numbers[] = {{"radius", radius, kSize},
                       {"step", step, kSize},
                       {"steps", static_cast<double>(steps), kSteps},
                       {"restarts", static_cast<double>(restarts), kRestarts},
                       {"kappa", kappa, kKappa},
                       {"momentum", momentum, kMomentum}};
  for (const auto& n : numbers)
    if (!n.limits.allow(n.value))
      return Problem{n.key, fmt::format("expected {}, got {}", n.limits.text(), number_text(n.value))};
  if (norm == Norm::linf && radius > 1)
    return Problem{"radius", fmt::format("expected at most 1 because pixels are in [0, 1], got {}{}", radius,
                                         in_255ths(radius, 1))};
  return {};
}

void Pgd::check_sizes(const Fields& f) const {
  const bool linf = norm == Norm::linf;
  if (radius > 0 && step > 2 * radius * (1 + 1e-6)) {
    const std::string hint = in_255ths(step, 2 * radius);
    // Along the direction of an L2 gradient a long step still ends where the gradient points.
    if (!linf)
      f.warn("step", number_text(step), " is probably a mistake: it is more than twice the radius, ",
             number_text(radius), hint);
    else
      f.reject("step", "expected at most twice the radius, ", 2 * radius,
               ", because a longer step leaves only the corners of the ball, got ", number_text(step), hint);
  }
  if (radius == 0)
    f.warn("radius", "0 is probably a mistake: the attack leaves the images as they are");
  else if (radius > (linf ? kGrey : kUsualL2))
    f.warn("radius", number_text(radius),
           " is probably a mistake: ", linf ? "it turns any image into plain grey" : "usual values are 0.1 to 10 in L2",
           in_255ths(radius, 1));
}

void Pgd::check(const DataShape& shape) const {
  const double longest = std::sqrt(static_cast<double>(shape.height * shape.width * shape.channels));
  TEMPER_CHECK(norm == Norm::linf || radius <= longest, "radius: expected at most ", longest,
               " because no two images of ", shape.height, " x ", shape.width, " x ", shape.channels,
               " pixels in [0, 1] are further apart in L2, got ", number_text(radius), in_255ths(radius, longest));
}

std::string Pgd::describe() const {
  std::string text =
      fmt::format("PGD {}: radius {:.6f} ({:.4g}/255), step {:.6f}, {} step{}, start {}, ", name_of(kNorms, norm),
                  radius, radius * 255, step_size(), steps, steps == 1 ? "" : "s", name_of(kStarts, start));
  text += restarts == 1 ? "1 run" : fmt::format("{} runs", restarts);
  text += fmt::format(", returns {}", name_of(kReturns, returns));
  if (restarts > 1 && returns == Return::last) text += fmt::format(" of the run by {}", name_of(kRules, restart_rule));
  text += loss == Loss::margin                ? fmt::format(", margin loss with kappa {:g}", kappa)
          : gradient == Gradient::unsaturated ? ", unsaturated cross entropy"
                                              : ", cross entropy";
  if (norm == Norm::l2 && l2_order == L2Order::box_first) text += ", box first";
  if (momentum > 0) text += fmt::format(", momentum {:g}", momentum);
  if (norm == Norm::linf && std::abs(radius - 0.031) < 1e-9) text += "; note: 0.031 is 7.905/255, not 8/255 = 0.031373";
  return text;
}

}  // namespace temper
