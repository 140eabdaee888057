#include "trainers/state.h"

#include "data/split.h"
#include "trainers/checkpoint.h"

namespace temper {

DataSplits read_splits(const Experiment& experiment) {
  ImageSet all = experiment.data.reader->train();
  const DataShape shape{all.height, all.width, all.channels, all.classes};
  TEMPER_CHECK(experiment.data.validation < all.size(), "data.validation: expected fewer than the ", all.size(),
               " training images, got ", experiment.data.validation);
  auto [train, validation] = split_validation(std::move(all), experiment.data.validation, experiment.seed);
  return {std::move(train), std::move(validation), shape};
}

TrainingState::TrainingState(Experiment& e, DataSplits data)
    : experiment(e),
      engine(e.engine_options()),
      network(make_network(engine, e, data.shape)),
      images_train(data.train.size()),
      images_validation(data.validation.size()),
      train(engine, data.train,
            {.batch_size = e.loop.batch_size, .shuffle = Shuffle::every_epoch, .augmentation = e.augment}),
      gradient(network->params(), network->options().dtype, engine.stream()),
      optimizer(network->weights().params, e.optimizer, engine.stream()) {
  if (images_validation > 0)
    validation =
        std::make_unique<Loader>(engine, data.validation, LoaderOptions{.batch_size = e.evaluation.batch_size});
  if (e.ema.on()) ema.emplace(engine, *network);
  if (e.swa.on()) swa.emplace(engine, *network);
  TrainContext c = context();
  e.trainer.method->begin(c);
}

TrainContext TrainingState::context() {
  return {.engine = engine, .model = *network, .epoch = progress.epoch, .step = progress.total_steps};
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
  v("optimizer.momentum", optimizer.momentum());
  if (ema) ema->visit_state(v, "ema");
  if (swa) swa->visit_state(v, "swa");
  experiment.trainer.method->visit_state(v);
}

}  // namespace temper
