#include "trainers/state/state.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "data/split.h"
#include "trainers/state/checkpoint.h"

namespace temper {

DataSplits read_splits(const Experiment& experiment) {
  ImageSet all = experiment.data.reader->train();
  const DataShape shape{all.crop ? all.crop : all.height, all.crop ? all.crop : all.width, all.channels, all.classes};
  TEMPER_CHECK(experiment.data.validation < all.size(), "data.validation: expected fewer than the ", all.size(),
               " training images, got ", experiment.data.validation);
  RunInputs inputs{.train = fingerprint(all), .weights = fingerprint_of_weights(experiment.model.weights)};
  auto [train, validation] = split_validation(std::move(all), experiment.data.validation, experiment.seed);
  inputs.validation = fingerprint(validation);
  std::shared_ptr<const MappedImages> extra;
  if (experiment.data.extra.on()) {
    extra = std::make_shared<MappedImages>(experiment.data.extra.files);
    extra->check(train.height, train.width, train.channels, train.classes);
    inputs.extra = fingerprint(*extra);
  }
  return {std::move(train), validation.center(), shape, std::move(inputs), std::move(extra)};
}

namespace {

EngineOptions watched(EngineOptions options, RangeLog* ranges, AttackObserver* attacks) {
  options.ranges = ranges;
  options.attacks = attacks;
  return options;
}

ImageSet probed(const DataSplits& data, const ProbeSection& probe) {
  const ImageSet& all = probe.split == ProbeSection::Split::train ? data.train : data.validation;
  std::vector<int64_t> first(static_cast<size_t>(std::min(probe.images, all.size())));
  std::iota(first.begin(), first.end(), 0);
  return all.subset(first).center();
}

LoaderOptions training_loader(const Experiment& e, const DataSplits& data) {
  const ExtraSection& extra = e.data.extra;
  return {.batch_size = e.loop.batch_size,
          .shuffle = Shuffle::every_epoch,
          .augmentation = e.augment,
          .last_batch = e.loop.last_batch,
          .extra = {.images = data.extra,
                    .share = extra.share,
                    .epoch_images = extra.epoch_images,
                    .augmentation = extra.augment.value_or(e.augment)},
          .cutmix = e.augment.cutmix};
}

}  // namespace

TrainingState::TrainingState(Experiment& e, DataSplits data, RangeLog* ranges, AttackObserver* attacks)
    : experiment(e),
      engine(watched(e.engine_options(), ranges, attacks)),
      network(make_network(engine, e, data.shape)),
      images_train(data.train.size()),
      images_validation(data.validation.size()),
      inputs(std::move(data.inputs)),
      train(engine, data.train, training_loader(e, data)),
      values(engine.stream()),
      loss_scaler(engine) {
  if (images_validation > 0)
    validation = std::make_unique<Loader>(engine, data.validation, e.evaluation.loader(engine.device()));
  if (e.ema.on()) ema.emplace(engine, *network);
  if (e.swa.on()) swa.emplace(engine, *network);
  if (e.loop.probe.on())
    probe = std::make_unique<Loader>(engine, probed(data, e.loop.probe), e.evaluation.loader(engine.device()));
  TrainContext c = context();
  e.trainer.method->begin(c);
  const auto train_weights = [&](const std::string& name, ParamBuffer& params, UnmatchedGlobs unmatched) {
    trained.push_back({name, ParamBuffer(params.layout(), params.dtype(), engine.stream()),
                       WeightOptimizer(params, *e.optimizer.rule, engine.stream(), e.optimizer.options, unmatched)});
  };
  train_weights("optimizer", network->weights().params, UnmatchedGlobs::refuse);
  for (const MethodPart& part : e.trainer.method->parts())
    if (part.moved == MethodPart::Moved::with_network)
      train_weights("optimizer." + part.name, part.weights->params, UnmatchedGlobs::ignore);
  if (e.awp.on()) awp.emplace(engine, *network, e.awp, e.trainer.method->parts());
  graph.emplace(engine, e.graph, make_graph_recorder(engine.device()));
  step_sums.emplace(engine, network->options().dtype, sums().terms + StepLog::kMost);
  log.emplace(engine, step_sums->all().rows(sums().terms, StepLog::kMost));
  if (e.loop.on_collapse == OnCollapse::roll_back) good.emplace([this](StateVisitor& v) { visit_trained(v); });
}

ShownBatch TrainingState::shown() const {
  const int64_t steps = steps_per_epoch();
  const int64_t batch = ((progress.epoch - 1) * steps + progress.step) / experiment.trainer.method->replays();
  return {.epoch = batch / steps + 1, .index = batch % steps};
}

Metrics TrainingState::logged(const std::vector<double>& all) const {
  return log->read(std::span(all).subspan(static_cast<size_t>(sums().terms)));
}

std::vector<GradientBuffer> TrainingState::gradients() {
  std::vector<GradientBuffer> all;
  for (Trained& t : trained) all.push_back({t.optimizer.params(), t.gradient});
  return all;
}

TrainContext TrainingState::context() {
  return {.engine = engine,
          .model = *network,
          .epoch = {progress.epoch, [this] { epoch_read = true; }},
          .step = {progress.total_steps,
                   [this] {
                     if (listing(engine.stream()))
                       throw NotRepeatable(
                           "context.step was read, which changes in every step; pass what is computed from it as one "
                           "of the method's live_values()");
                   }},
          .epochs = experiment.loop.epochs,
          .train = &train,
          .validation = validation.get()};
}

void TrainingState::visit(StateVisitor& v) {
  v("progress.epoch", progress.epoch);
  v("progress.step", progress.step);
  v("progress.total_steps", progress.total_steps);
  v("progress.loss_sum", progress.loss_sum);
  v("progress.images", progress.images);
  v("progress.best_epoch", progress.best_epoch);
  v("progress.best_clean", progress.best.clean);
  v("progress.best_robust", progress.best.robust);
  v("progress.since_best", progress.since_best);
  v("progress.collapsed", progress.collapsed);
  if (probe) v("progress.probe_best", progress.probe_best);
  if (good) v("progress.rollbacks", progress.rollbacks);
  loss_scaler.visit_state(v);
  visit_trained(v);
  if (good) good->visit(v, "good.");
}

void TrainingState::visit_trained(StateVisitor& v) {
  visit_network(v, *network);
  for (Trained& t : trained) t.optimizer.visit_state(v, t.name);
  if (ema) ema->visit_state(v, "ema");
  if (swa) swa->visit_state(v, "swa");
  for (const MethodPart& part : experiment.trainer.method->parts()) {
    const std::string name = part.saved_as.empty() ? part.name : part.saved_as;
    v(name + ".params", part.weights->params);
    v(name + ".buffers", part.weights->buffers);
    if (part.optimizer) part.optimizer->visit_state(v, "optimizer." + part.name);
  }
  experiment.trainer.method->visit_state(v);
}

}  // namespace temper
