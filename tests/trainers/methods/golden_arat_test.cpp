// Ten steps of AR-AT and its variants against tests/golden/golden_arat.py, an independent implementation in PyTorch.
#include "tests/fixtures/golden_fixture.h"
#include "trainers/methods/parts/scalar.h"
#include "trainers/optimizers/averages.h"
#include "trainers/optimizers/sgd.h"
#include "trainers/optimizers/weight_optimizer.h"

using namespace temper;
using test::Closeness;
using test::difference;
using test::Golden;

namespace {

struct Run {
  std::string name, options;
  SwaOptions swa;  ///< off: nothing is averaged
};

const Run kRuns[] = {
    {"paper", "", {.start = 1, .every = 4}},
    {"noise_alias",
     "noise_alias: true, balance: {rule: fixed, weight: 0.25}",
     {.start = 1, .every = 3, .count = SwaOptions::Count::ahead, .bn = AverageBn::estimate_all}},
    {"shared_bn", "bn: shared, balance: {rule: fixed}, invariance: {lambda: 5}"},
    {"attack_eval", "attack_bn: eval, balance: {exponent: 2}"},
    {"complement", "attack_bn: train_no_update, balance: {exponent: 2, clean: complement}"},
    {"given", "balance: {rule: fixed, weight: 1, clean: given, clean_weight: 0.75}"},
    {"clean_side", "balance: {rule: fixed}, invariance: {gradient: clean, predictor: clean}"},
    {"clean_both", "balance: {rule: fixed}, invariance: {gradient: clean, predictor: both}"},
    {"both_sides", "balance: {rule: fixed}, invariance: {gradient: both, predictor: both}"},
    {"both_one_head", "balance: {rule: fixed}, invariance: {gradient: both, predictor: clean}"},
    {"shared_heads", "balance: {rule: fixed}, invariance: {gradient: both, predictor: both, heads: shared}"},
    {"target_predicted", "balance: {rule: fixed}, invariance: {predictor: both}"},
    {"symmetric", "balance: {rule: fixed}, invariance: {gradient: symmetric, predictor: none}"},
    {"symmetric_predicted",
     "balance: {rule: fixed}, invariance: {gradient: symmetric, predictor: both, heads: shared}"},
    {"mse", "balance: {rule: fixed}, invariance: {metric: mse}"},
    {"kl", "balance: {rule: fixed}, invariance: {metric: kl, temperature: 2, predictor: clean}"},
    {"kl_plain", "balance: {rule: fixed}, invariance: {metric: kl, temperature: 2, kl_factor: none}"}};

void write(ParamBuffer& buffer, const std::string& name, const std::vector<float>& values) {
  const int i = buffer.layout().find(name);
  if (i >= 0) buffer.write(i, {values.begin(), values.end()});
}

/// A method at work on the script's network and images.
struct Training {
  Engine engine;
  Network network;
  Loader loader;
  std::unique_ptr<Trainer> trainer;
  TrainContext context;
  std::vector<Weights*> weights;  ///< the network's, then the predictors', if there are any
  std::vector<ParamBuffer> gradients;
  const Sgd rule{{.lr = 0.02, .momentum = 0.9, .weight_decay = 5e-4}};
  std::vector<WeightOptimizer> sgd;
  Average average;
  Scalars places{engine, network.options().dtype, StepLog::kMost};
  StepLog log{engine, places.all()};
  const SwaOptions swa;

  Training(const Golden& golden, const Run& run, DType dtype, Device device)
      : engine({.device = device,
                .threads = 1,
                .compute = dtype,
                .arena_mb = 64,
                .seed = 11,
                .reference_conv = dtype == DType::f64}),
        network(engine, *test::architecture("{name: small_cnn, widths: [6, 8, 10], strides: [1, 2, 2]}"),
                {.data = test::kGoldenData, .branches = {"adv", "clean"}, .dtype = dtype}),
        loader(engine, test::images(golden), {.batch_size = test::kGoldenBatch}),
        trainer(test::make_trainer(test::with_steps_of_pytorch(
            "{name: arat, attack: {steps: 5}" + (run.options.empty() ? "" : ", " + run.options) + "}", dtype))),
        context{.engine = engine, .model = network, .train = &loader},
        average(engine, network),
        swa(run.swa) {
    import_weights(network, golden.below("init/net/"), "golden");
    context.logged = &log;
    trainer->begin(context);
    weights = {&network.weights()};
    for (const MethodPart& part : trainer->parts()) weights.push_back(part.weights);
    for (Weights* w : weights) {
      gradients.emplace_back(w->params.layout(), dtype, engine.stream());
      sgd.emplace_back(w->params, rule, engine.stream()).prepare(rule.lr);
    }
    if (weights.size() == 1) return;
    for (const NamedArray& a : golden.below("init/predictor/")) {
      write(weights[1]->params, a.name, golden.get<float>("init/predictor/" + a.name));
      write(weights[1]->buffers, a.name, golden.get<float>("init/predictor/" + a.name));
    }
  }

  /// The mean of the weights so far, with statistics of its own in the adversarial branch.
  Weights& averaged() {
    estimate_bn(engine, network, average.weights(),
                {.images = loader,
                 .epoch = context.epoch,
                 .branch = trainer->eval_branch(network),
                 .take = [&](const Batch& b, double momentum) {
                   Estimated of{average.weights()};
                   if (swa.bn == AverageBn::estimate_all) of.momentum = momentum;
                   context.begin_step();
                   return trainer->estimation_images(context, b, of);
                 }});
    return average.weights();
  }

  double step(int64_t number) {
    const Arena::Scope scope(engine.arena());
    context.epoch = number / test::kGoldenBatches + 1;
    if (number % test::kGoldenBatches == 0) trainer->before_epoch(context);
    const Batch batch = loader.load(context.epoch, number % test::kGoldenBatches);
    std::vector<GradientBuffer> into;
    for (size_t i = 0; i < weights.size(); ++i) into.push_back({weights[i]->params, gradients[i]});
    const double loss = trainer->gradients(context, batch, into);
    for (WeightOptimizer& s : sgd) s.step(engine.stream(), gradients[&s - sgd.data()]);
    if (swa.due(context.epoch, number % test::kGoldenBatches + 1, test::kGoldenBatches)) {
      const auto n = static_cast<double>(average.count());
      average.add(engine, network, n / (n + 1), AverageBn::estimate);
    }
    return loss;
  }
};

/// Compares arrays by name with those of the script below a prefix; all of those have to be met.
void check_arrays(const Golden& golden, const std::string& prefix, const std::vector<NamedArray>& got,
                  Closeness& close) {
  INFO(prefix);
  CHECK(got.size() == golden.below(prefix).size());
  for (const NamedArray& a : got) {
    INFO(a.name);
    close.check(difference(test::to_double(a.bytes.data(), a.dtype, a.numel()), golden.get<double>(prefix + a.name)));
  }
}

std::vector<NamedArray> parameters(std::vector<NamedArray> all) {
  std::erase_if(all, [](const NamedArray& a) { return a.name.find("running_") != std::string::npos; });
  return all;
}

void check_gradients(const Golden& golden, const Run& run, Training& t, Closeness& close) {
  for (size_t i = 0; i < t.weights.size(); ++i) {
    // export_weights wants whole weights: the gradients stand in for the parameters.
    Weights as_weights{ParamBuffer(t.gradients[i].layout(), t.gradients[i].dtype(), t.engine.stream()),
                       ParamBuffer(t.weights[i]->buffers.layout(), t.gradients[i].dtype(), t.engine.stream())};
    as_weights.params.copy_from(t.gradients[i]);
    check_arrays(golden, run.name + (i == 0 ? "/grad/net/" : "/grad/predictor/"),
                 parameters(export_weights(as_weights)), close);
  }
}

void check_run(const Golden& golden, const Run& run, DType dtype, Device device, Closeness& close) {
  INFO(run.name);
  Training t(golden, run, dtype, device);
  std::vector<double> losses, terms, weights;
  for (int64_t step = 0; step < test::kGoldenSteps; ++step) {
    t.log.open();
    losses.push_back(t.step(step));
    for (const auto& [name, value] : t.log.read(t.places.read())) terms.push_back(value);
    for (const char* name : {"adversarial_weight", "clean_weight"})
      weights.push_back(static_cast<double>(t.context.live(name).now()));
    if (step == 0 && !golden.below(run.name + "/grad/").empty()) check_gradients(golden, run, t, close);
  }
  close.check(difference(losses, golden.get<double>(run.name + "/losses")));
  close.check(difference(terms, golden.get<double>(run.name + "/terms")));
  const double weight = difference(weights, golden.get<double>(run.name + "/weights"));
  if (device == Device::cpu)
    CHECK(weight < 1e-7);  // both are rounded to f32
  else
    close.check(weight);
  for (size_t i = 0; i < t.weights.size(); ++i)
    check_arrays(golden, run.name + (i == 0 ? "/final/net/" : "/final/predictor/"), export_weights(*t.weights[i]),
                 close);
  if (run.swa.on()) check_arrays(golden, run.name + "/swa/net/", export_weights(t.averaged()), close);
}

void check_runs(DType dtype, Device device, Closeness close) {
  const Golden golden("golden_arat");
  for (const Run& run : kRuns) {
    check_run(golden, run, dtype, device, close);
    close.end_run();
  }
  close.end();
}

}  // namespace

TEST_CASE("arat follows the PyTorch script in f64", "[golden][arat]") {
  check_runs(DType::f64, Device::cpu, Closeness(1e-9));
}

TEMPER_DEVICE_TEST("arat follows the PyTorch script in f32", "[trainers][golden][arat]") {
  check_runs(DType::f32, device, Closeness::f32(device));
}
