#include "trainers/experiment.h"

#include <algorithm>

#include "core/environment/cpus.h"
#include "core/plans/plan_cache.h"
#include "core/text.h"
#include "kernels/runtime/memory.h"
#include "trainers/state/checkpoint.h"

namespace temper {

namespace {

constexpr Limits kCount = Limits::at_least(0), kBatch = Limits::between(1, 1 << 20);

void read_attack(Fields& f, NamedAttack& into) {
  into.attack = Registry<Attack>::instance().read(f, into.label.c_str(), into.name);
}

DType storage_type(Precision p) {
  switch (p) {
    case Precision::bf16: return DType::bf16;
    case Precision::f16: return DType::f16;
    case Precision::f64: return DType::f64;
    default: return DType::f32;
  }
}

// A power of two, or 0 for `auto`.
int64_t read_loss_scale(Fields& f) {
  std::string text = "auto";
  f("loss_scale", text,
    "loss scale of f16, a power of two; auto: dynamic loss scaling in training (65536 at first, halved after a step "
    "with an overflow, which is skipped, doubled after 2000 steps without one), and a fitted scale for each image in "
    "attacks");
  if (text == "auto") return 0;
  const auto problem = [&] {
    f.reject("loss_scale", "expected a power of two, such as 1024, up to 16777216, or auto, got ", text);
  };
  try {
    const double value = parse_number(text);
    const auto whole = static_cast<int64_t>(value);
    if (!(value >= 1 && value <= 1 << 24) || static_cast<double>(whole) != value || (whole & (whole - 1)) != 0)
      problem();
    return whole;
  } catch (const Error&) {
    problem();
  }
  return 0;
}

Optimisations read_without(Fields& f) {
  std::vector<std::string> names;
  f("without", names, "names of optimisations to turn off, one by one, such as [winograd]; see docs/exactness.md");
  Optimisations without;
  for (const std::string& name : names) {
    const auto row = std::find_if(ledger().begin(), ledger().end(), [&](const LedgerRow& r) { return r.name == name; });
    if (row == ledger().end()) {
      std::vector<std::string> known;
      for (const LedgerRow& r : ledger()) known.push_back(r.name);
      f.reject("without", "unknown optimisation '", name, "' (known: ", join(known), ")");
    }
    without.add(row->which);
  }
  return without;
}

}  // namespace

void EvaluationSection::fields(Fields& f) {
  f("batch_size", batch_size, kBatch, "images per batch in validation and testing");
  f.choice(
      "last_batch", last_batch,
      {{"auto", EvaluationLastBatch::automatic},
       {"keep", EvaluationLastBatch::keep},
       {"pad", EvaluationLastBatch::pad}},
      "pad: a smaller last batch is padded with images that do not count, so that a GPU needs no plans for a second "
      "size; results do not change; auto: pad on a GPU");
  read_attack(f, validation);
  Fields sub = f.enter("attacks");
  attacks.clear();
  for (const std::string& label : sub.keys()) {
    if (label == "clean" || label == "nrr")
      sub.reject(label.c_str(), "tables have a column of this name already; give the attack another label");
    NamedAttack& one = attacks.emplace_back();
    one.label = label;
    read_attack(sub, one);
  }
  f.leave("attacks", sub);
}

LoaderOptions EvaluationSection::loader(Device device) const {
  const bool pad = last_batch == EvaluationLastBatch::pad ||
                   (last_batch == EvaluationLastBatch::automatic && device == Device::cuda);
  return {.batch_size = batch_size, .last_batch = pad ? LastBatch::pad : LastBatch::keep};
}

void ProbeSection::fields(Fields& f) {
  f("every", every, kCount,
    "steps between measurements of robust accuracy under the validation attack, which tell a collapse before the next "
    "validation; 0: none");
  f("images", images, Limits::at_least(1).usually(16, 1e5), "how many images are measured: the first of the split");
  f.choice("split", split, {{"validation", Split::validation}, {"train", Split::train}}, "which images are measured");
}

void LoopSection::fields(Fields& f) {
  f("epochs", epochs, Limits::between(1, 1e6).usually(1, 1e4), "passes over the training images");
  f("batch_size", batch_size, kBatch, "images per step; see last_batch");
  f.choice(
      "last_batch", last_batch, {{"keep", LastBatch::keep}, {"drop", LastBatch::drop}},
      "a smaller last batch of an epoch: keep: a step like the others; drop: left out (drop_last), which saves a GPU "
      "a second set of convolution plans and a second captured step");
  f("eval_every", eval_every, kCount, "epochs between validations (the last epoch is always validated); 0: never");
  f("early_stop", early_stop, kCount, "validations without a better robust accuracy before training stops; 0: never");
  f("checkpoint_every", checkpoint_every, Limits::at_least(1),
    "epochs between checkpoints (the last epoch always has one)");
  f("checkpoint_steps", checkpoint_steps, kCount, "steps between further checkpoints within an epoch; 0: none");
  f("log_every", log_every, kCount, "steps between step lines in metrics.jsonl; 0: none");
  f("collapse", collapse, Limits::at_least(0).below(1),
    "share of the best robust accuracy, of validations and of probes, below which training has collapsed; 0: no guard");
  f.choice("on_collapse", on_collapse,
           {{"warn", OnCollapse::warn}, {"stop", OnCollapse::stop}, {"roll_back", OnCollapse::roll_back}},
           "what to do then; roll_back: go on with the weights, averages and optimiser of the last good measurement");
  f.section("probe", probe);
  f.choice("select", select, {{"model", Select::model}, {"ema", Select::ema}, {"swa", Select::swa}},
           "the weights whose robust validation accuracy decides which epoch is best");
}

const char* name(Precision p) {
  switch (p) {
    case Precision::f32: return "f32";
    case Precision::tf32: return "tf32";
    case Precision::bf16: return "bf16";
    case Precision::f16: return "f16";
    case Precision::f64: return "f64";
  }
  return "?";
}

void ConvolutionSection::fields(Fields& f) {
  f.choice(
      "plans", plans, {{"proposed", PlanChoice::proposed}, {"timed", PlanChoice::timed}},
      "on a GPU, which of cuDNN's deterministic plans is used: the first that it proposes, or the fastest of the "
      "first 8, timed at the first use of a shape; timed plans are reproducible bit for bit only if they are stored");
  f.choice(
      "check", check, {{"on", PlanCheck::on}, {"off", PlanCheck::off}},
      "on a GPU, whether a plan is checked before its first use, by comparing its result on random data with a plain "
      "kernel; an engine with a wrong result is not used for that shape, and the verdict is stored with the plans");
  f("cache", cache,
    "folder for plans between runs; auto: plans/ in TEMPER_CACHE or ~/.cache/temper; off: plans are not stored");
  f("workspace_mb", workspace_mb, Limits::between(0, 1 << 20),
    "limit on the work space of a plan, which is part of the step's memory");
  f.choice("statistics", statistics, {{"apart", BatchStatistics::separate}, {"fused", BatchStatistics::fused}},
           "on a GPU, what computes the batch statistics of BatchNorm: a separate pass, or the convolution before it, "
           "which sums squares in f32");
}

std::string ConvolutionSection::plan_folder() const {
  if (cache == "off") return "";
  if (cache != "auto") return cache;
  return default_plan_folder();
}

void Experiment::fields(Fields& f) {
  f("seed", seed, Limits::at_least(0), "seed of all random numbers");
  f.choice("device", device,
           {{"auto", DeviceChoice::automatic}, {"cpu", DeviceChoice::cpu}, {"cuda", DeviceChoice::cuda}},
           "where to run; auto: cuda if there is a device");
  f("threads", threads, kCount, "CPU threads; 0: one for each CPU that the process may use");
  if (const std::string problem = problem_with_threads(threads); !problem.empty()) f.reject("threads", problem);

  Fields precision = f.enter("precision");
  precision.choice(
      "compute", this->precision,
      {{"f32", Precision::f32},
       {"tf32", Precision::tf32},
       {"bf16", Precision::bf16},
       {"f16", Precision::f16},
       {"f64", Precision::f64}},
      "type of activations; tf32: f32, but a GPU rounds operands of convolutions and matrix products to 10 bits; "
      "f64: everything in double, for checks on the CPU");
  loss_scale = read_loss_scale(precision);
  f.leave("precision", precision);
  f("exact", exact, "turn off every optimisation that changes how results are rounded; see docs/exactness.md");
  if (exact && this->precision != Precision::f32 && this->precision != Precision::f64)
    f.reject("exact", "expected precision.compute f32 because lower precision only approximates it, got ",
             temper::name(this->precision), "; set one of the two");
  without = read_without(f);
  if (exact) without |= that_round();
  f.choice("graph", graph, {{"auto", GraphUse::automatic}, {"on", GraphUse::on}, {"off", GraphUse::off}},
           "on a GPU, capture a whole training step as a CUDA graph and replay it, with the same results; auto: if the "
           "method allows it");
  Fields memory = f.enter("memory");
  memory("arena_mb", arena_mb, Limits::between(0, 1 << 24),
         "limit on the memory of one step; 0: as much as the device has. Memory is taken only as a step needs it");
  f.leave("memory", memory);
  f.section("convolution", convolution);

  data.reader = Registry<DatasetReader>::instance().read(f, "data", data.name, [&](Fields& sub) {
    sub("validation", data.validation, kCount, "training images held out to select the best checkpoint; 0: none");
    sub.section("extra", data.extra);
  });
  model.architecture = Registry<Architecture>::instance().read(f, "model", model.name, [&](Fields& sub) {
    sub("mean", model.mean, Limits::between(0, 1),
        "per channel, subtracted from [0, 1] images inside the network; []: none");
    sub("std", model.std, Limits::above(0).up_to(1).usually(0.01, 1), "per channel, divides them");
    sub("branches", model.branches, "names of the BatchNorm sets");
    sub("freeze", model.freeze, "globs of parameters that are not trained");
    sub("weights", model.weights, "safetensors or npz file to start from; empty: initialise from the seed");
    if (model.mean.size() != model.std.size())
      sub.reject("std", "expected as many values as mean has (", model.mean.size(), "), got ", model.std.size());
    if (model.branches.empty()) sub.reject("branches", "expected at least one name");
  });
  trainer.method = Registry<Trainer>::instance().read(f, "trainer", trainer.name);
  f.section("augment", augment);
  optimizer.read(f);
  schedule.schedule = Registry<Schedule>::instance().read(f, "schedule", schedule.name);
  f.section("loop", loop);
  f.section("ema", ema);
  f.section("swa", swa);
  f.section("awp", awp);
  f.section("evaluation", evaluation);
  check(f);
}

Device Experiment::resolved_device() const {
  if (device == DeviceChoice::automatic) return cuda_available() ? Device::cuda : Device::cpu;
  return device == DeviceChoice::cuda ? Device::cuda : Device::cpu;
}

EngineOptions Experiment::engine_options() const {
  return {.device = resolved_device(),
          .threads = threads,
          .compute = storage_type(precision),
          .loss_scale = precision == Precision::f16 ? static_cast<float>(loss_scale) : 1.f,
          .arena_mb = arena_mb,
          .seed = seed,
          .reference_conv = precision == Precision::f64,
          .without = without,
          .planning = {.math = precision == Precision::tf32 ? ConvMath::tf32 : ConvMath::f32,
                       .choice = without.has(Optimisation::timed_plans) ? PlanChoice::proposed : convolution.plans,
                       .check = convolution.check,
                       .statistics = convolution.statistics,
                       .folder = convolution.plan_folder(),
                       .workspace_mb = convolution.workspace_mb}};
}

Network::Options Experiment::network_options(const DataShape& shape) const {
  return {.data = shape,
          .mean = model.mean,
          .std = model.std,
          .branches = model.branches,
          .dtype = precision == Precision::f64 ? DType::f64 : DType::f32,
          .seed = seed};
}

std::unique_ptr<Network> make_network(Engine& engine, const Experiment& experiment, const DataShape& shape) {
  const ModelSection& m = experiment.model;
  auto network = std::make_unique<Network>(engine, *m.architecture, experiment.network_options(shape));
  if (!m.weights.empty()) load_network(*network, m.weights);
  for (const std::string& glob : m.freeze) network->params().freeze(glob);
  return network;
}

Experiment read_experiment(const Config& config) {
  Experiment e;
  Fields f(config);
  e.fields(f);
  f.finish();
  e.resolved = f.resolved();
  if (e.precision != Precision::f16)
    e.resolved["precision"]["loss_scale"] = "auto";  // has no effect here, so it must not make runs differ
  e.warnings = f.warnings();
  return e;
}

}  // namespace temper
