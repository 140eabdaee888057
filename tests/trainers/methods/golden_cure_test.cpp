// Ten steps of CURE under each of its main switches against tests/golden/golden_cure.py, an independent implementation
// in PyTorch: losses, gradient sets, masks, weights, the revision model, BatchNorm statistics.
#include "tests/fixtures/golden_fixture.h"
#include "trainers/methods/cure.h"
#include "trainers/optimizers/sgd.h"
#include "trainers/optimizers/weight_optimizer.h"

using namespace temper;
using test::Closeness;
using test::difference;
using test::Golden;
using test::kGoldenSteps;
using test::World;

namespace {

// How far from the clean image the attack starts decides what f32 can follow: see golden_training.py.
const std::string kUniform = ", attack: {start: uniform_unclipped}";
const std::string kRevision = ", revision: {rate: 0.5, keep: 0.9}";

const std::pair<const char*, std::string> kSettings[] = {
    {"paper", "rgp: {alpha: 0.25}" + kRevision},
    {"paper_uniform", "rgp: {alpha: 0.25}" + kRevision + kUniform},
    {"code",
     "beta: 5, rgp: {alpha: 0.25, score: signed_sum, robust: kl, maskable: globs, globs: [\"conv2.*\", \"conv3.*\"]}"
     ", revision: {rate: 0.5, keep: 0.999, warm_up: true}" +
         kUniform},
    {"global_frozen", "gamma: 0.5, rgp: {alpha: 0.25, percent: 50, score: abs_of_sum, threshold: global, gate: all}" +
                          kRevision + kUniform},
    {"rgp", "step_loss: weighted, rgp: {alpha: 0.25, score: step_abs}" + kRevision + kUniform},
    {"grad_mode_all",
     "step_loss: weighted, rgp: {alpha: 0.25, score: step_signed, robust: kl, maskable: globs, globs: [\"conv2.*\", \"conv3.*\"]}" +
         kRevision + kUniform},
    {"weighted_eval_bn",
     "step_loss: weighted, rgp: {alpha: 0.25}, revision: {rate: 1, keep: 0.9, bn: eval, decay_from: 4}" + kUniform},
    {"efficient",
     "step_loss: weighted, warm_up: {epochs: 3}, rgp: {alpha: 0.25, score: step_abs}, revision: {kind: alias, rate: "
     "0.5, keep: 0.875}" +
         kUniform},
    {"efficient_intended",
     "step_loss: weighted, warm_up: {epochs: 3}, rgp: {alpha: 0.25, score: step_abs}, revision: {warm_up: true, rate: "
     "0.5, keep: 0.9}" +
         kUniform},
    {"all_masked",
     "attack_bn: train, rgp: {alpha: 0.25, maskable: all}, revision: {rate: 1, keep: 0.9, decay_from: 3, decay_factor: "
     "0.8, decay_every: epoch}" +
         kUniform},
    {"mask_only", "beta: 5, gamma: 0, rgp: {alpha: 0.25}" + kUniform},
    {"revision_only", "beta: 5, rgp: {percent: 0}" + kRevision + kUniform}};

std::vector<double> concatenated(const ParamBuffer& buffer) {
  std::vector<double> out;
  for (int i = 0; i < buffer.layout().count(); ++i)
    for (const double v : buffer.read(i)) out.push_back(v);
  return out;
}

class Check {
 public:
  Check(const Golden& golden, std::string setting, Closeness& close)
      : golden_(golden), prefix_(std::move(setting) + "/"), close_(close) {}

  void losses(const std::vector<double>& got) { near("losses", got); }
  /// The masks of a step; they have to be equal, whatever the precision, as long as the run is the script's.
  void mask(int64_t step, const GradientMask& mask) {
    if (!golden_.has(prefix_ + "masks")) {
      CHECK_FALSE(mask.buffer);
      return;
    }
    if (!mask.buffer) return;  // warming up
    const std::vector<uint8_t> want = golden_.get<uint8_t>(prefix_ + "masks");
    const std::vector<double> got = concatenated(*mask.buffer);
    int64_t flips = 0;
    for (size_t i = 0; i < got.size(); ++i) flips += got[i] != want.at(masks_ * got.size() + i);
    INFO("step " << step);
    close_.check(static_cast<double>(flips) / static_cast<double>(got.size()));
    ++masks_;
  }
  void gradient_sets(int64_t step, Cure& cure, const ParamBuffer& total) {
    const std::string at = cat("step", step, "/");
    if (!golden_.has(prefix_ + at + "total")) return;
    near(at + "total", concatenated(total));
    near(at + "score", concatenated(cure.rgp->robust()));
    if (cure.rgp_options.needs_both()) near(at + "natural", concatenated(cure.rgp->natural()));
    ++sets_;
  }
  void weights(const std::string& which, const Weights& weights) {
    int compared = 0;
    for (const NamedArray& a : export_weights(weights)) {
      near(which + "/" + a.name, test::to_double(a.bytes.data(), a.dtype, a.numel()));
      ++compared;
    }
    CHECK(compared == 17);  // three convolutions, three BatchNorms of four arrays, a linear layer of two
  }
  int64_t masks() const { return masks_; }
  int64_t sets() const { return sets_; }

 private:
  void near(const std::string& name, const std::vector<double>& got) {
    INFO(name);
    close_.check(difference(got, golden_.get<double>(prefix_ + name)));
  }

  const Golden& golden_;
  std::string prefix_;
  Closeness& close_;
  int64_t masks_ = 0, sets_ = 0;
};

/// Each step is an epoch of its own: its number is what the attack draws with. Returns how many gradient sets were
/// compared.
int64_t check_training(const std::string& setting, const std::string& yaml, DType dtype, Device device,
                       Closeness& close) {
  INFO(setting);
  static const Golden start("golden_training"), golden("golden_cure");
  World world(start, dtype, device);
  const auto trainer = test::make_trainer("{name: cure, " + yaml + "}");
  Cure& cure = dynamic_cast<Cure&>(*trainer);
  Network& network = *world.network;
  const Sgd rule({.lr = 0.05, .momentum = 0.9, .weight_decay = 5e-4});
  WeightOptimizer sgd(network.weights().params, rule, world.engine.stream());
  sgd.prepare(rule.lr);
  ParamBuffer total(network.params(), dtype, world.engine.stream());
  const GradientBuffer buffers[] = {{network.weights().params, total}};
  TrainContext context{world.engine, network};
  cure.begin(context);
  Check check(golden, setting, close);
  std::vector<double> losses;
  for (context.step = 0; context.step < kGoldenSteps; ++context.step) {
    const Arena::Scope scope(world.engine.arena());
    const Batch batch = world.batch(context.step);
    context.epoch = context.step + 1;
    cure.before_epoch(context);
    losses.push_back(trainer->gradients(context, batch, buffers));
    const Movement movement = trainer->movement(context);
    check.mask(context.step, movement.mask);
    check.gradient_sets(context.step, cure, total);
    sgd.step(world.engine.stream(), total, movement.mask);
    if (movement.share) add_share(world.engine.stream(), network.weights().params, *movement.share);
    cure.after_step(context, batch);
  }
  check.losses(losses);
  check.weights("final", network.weights());
  if (cure.revision) check.weights("revision", cure.revision->weights());
  CHECK(check.masks() == (cure.rgp ? kGoldenSteps - cure.warm_up_epochs : 0));
  return check.sets();
}

}  // namespace

TEST_CASE("cure follows the PyTorch script in f64", "[golden][cure]") {
  Closeness close(1e-9);
  int64_t sets = 0;
  for (const auto& [setting, yaml] : kSettings) sets += check_training(setting, yaml, DType::f64, Device::cpu, close);
  CHECK(sets == 6);
}

TEMPER_DEVICE_TEST("cure follows the PyTorch script in f32", "[trainers][golden][cure]") {
  Closeness close = Closeness::masked_f32(device);
  for (const auto& [setting, yaml] : kSettings) {
    if (std::string(setting) == "paper") continue;
    check_training(setting, yaml, DType::f32, device, close);
    close.end_run();
  }
  close.end();
}

TEMPER_DEVICE_TEST("percentile: NumPy's thresholds, and the same values strictly below them", "[kernels][golden]") {
  const Golden golden("golden_cure");
  Engine engine({.device = device, .compute = DType::f64, .arena_mb = 16});
  int compared = 0;
  for (const char* name : {"one", "two", "equal", "ties", "zeros", "wide"}) {
    const auto get = [&](const std::string& what) { return golden.get<double>(cat("percentile/", name, "/", what)); };
    const std::vector<double> values = get("values"), percents = get("percents"), want = get("thresholds");
    const std::vector<uint8_t> below = golden.get<uint8_t>(cat("percentile/", name, "/below"));
    for (size_t p = 0; p < percents.size(); ++p) {
      const Arena::Scope scope(engine.arena());
      const auto n = static_cast<int64_t>(values.size());
      PercentilePlan plan(engine.stream(), {{0, n, 0}}, percents[p]);
      const Tensor there = test::tensor_of(engine, {n}, values), threshold = test::tensor_of(engine, {1}, {0});
      percentile<double>(engine.stream(), plan, there.as<double>(), threshold.as<double>());
      const double got = test::numbers_of(engine, threshold)[0];
      INFO(name << ", percentile " << percents[p]);
      if (device == Device::cpu)
        CHECK(got == want[p]);
      else  // a GPU multiplies and adds in one rounding
        CHECK(got == Approx(want[p]).epsilon(1e-14));
      for (size_t i = 0; i < values.size(); ++i, ++compared)
        if ((values[i] < got) != (below[p * values.size() + i] == 1)) FAIL_CHECK("value " << i);
    }
  }
  CHECK(compared > 20000);
}
