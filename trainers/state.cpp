#include "trainers/state.h"

#include "data/split.h"
#include "trainers/checkpoint.h"

namespace temper {

DataSplits read_splits(const Experiment& experiment) {
  ImageSet all = experiment.data.reader->train();
  const DataShape shape{all.crop ? all.crop : all.height, all.crop ? all.crop : all.width, all.channels, all.classes};
  TEMPER_CHECK(experiment.data.validation < all.size(), "data.validation: expected fewer than the ", all.size(),
               " training images, got ", experiment.data.validation);
  RunInputs inputs{.train = fingerprint(all), .weights = fingerprint_of_weights(experiment.model.weights)};
  auto [train, validation] = split_validation(std::move(all), experiment.data.validation, experiment.seed);
  inputs.validation = fingerprint(validation);
  return {std::move(train), validation.center(), shape, std::move(inputs)};
}

namespace {

// A glob of no_decay has to match something in the network; in a part it may match nothing.
SgdOptions without_unmatched(SgdOptions options, const ParamStore& store) {
  std::erase_if(options.no_decay, [&](const std::string& glob) { return store.match(glob).empty(); });
  return options;
}

EngineOptions watched(EngineOptions options, RangeLog* ranges, AttackObserver* attacks) {
  options.ranges = ranges;
  options.attacks = attacks;
  return options;
}

}  // namespace

TrainingState::TrainingState(Experiment& e, DataSplits data, RangeLog* ranges, AttackObserver* attacks)
    : experiment(e),
      engine(watched(e.engine_options(), ranges, attacks)),
      network(make_network(engine, e, data.shape)),
      images_train(data.train.size()),
      images_validation(data.validation.size()),
      inputs(std::move(data.inputs)),
      train(engine, data.train,
            {.batch_size = e.loop.batch_size,
             .shuffle = Shuffle::every_epoch,
             .augmentation = e.augment,
             .last_batch = e.loop.last_batch}),
      values(engine.stream()),
      loss_scaler(engine) {
  if (images_validation > 0)
    validation = std::make_unique<Loader>(engine, data.validation, e.evaluation.loader(engine.device()));
  if (e.ema.on()) ema.emplace(engine, *network);
  if (e.swa.on()) swa.emplace(engine, *network);
  TrainContext c = context();
  e.trainer.method->begin(c);
  const auto train_weights = [&](const std::string& momentum_name, Flat& params, const SgdOptions& options) {
    trained.push_back(
        {momentum_name, Flat(params.store(), params.dtype(), engine.stream()), Sgd(params, options, engine.stream())});
  };
  train_weights("optimizer.momentum", network->weights().params, e.optimizer);
  for (const TrainedPart& part : e.trainer.method->parts())
    train_weights("optimizer." + part.name + ".momentum", part.weights->params,
                  without_unmatched(e.optimizer, part.weights->params.store()));
  graph.emplace(engine, e.graph, make_graph_recorder(engine.device()));
  step_sums.emplace(engine, network->options().dtype, sums().weights + static_cast<int>(trained.size()) + 1);
}

std::vector<Flat*> TrainingState::gradients() {
  std::vector<Flat*> all;
  for (Trained& t : trained) all.push_back(&t.gradient);
  return all;
}

TrainContext TrainingState::context() {
  return {.engine = engine,
          .model = *network,
          .epoch = progress.epoch,
          .step = progress.total_steps,
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
  visit_network(v, *network);
  for (Trained& t : trained) v(t.momentum_name, t.optimizer.momentum());
  loss_scaler.visit_state(v);
  if (ema) ema->visit_state(v, "ema");
  if (swa) swa->visit_state(v, "swa");
  experiment.trainer.method->visit_state(v);
}

}  // namespace temper
