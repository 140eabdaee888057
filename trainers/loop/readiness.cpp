#include "trainers/loop/readiness.h"

#include <algorithm>

#include "core/files/place_to_write.h"
#include "data/split_checks.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

// Each warning once: a run that is continued in the same process is checked again.
void add(Experiment& e, const std::vector<std::string>& found) {
  for (const std::string& text : found)
    if (std::find(e.warnings.begin(), e.warnings.end(), text) == e.warnings.end()) e.warnings.push_back(text);
}

// BatchNorm in the network, or in the other networks that a method trains.
bool has_batch_norm(TrainingState& s) {
  if (s.network->buffers().count() > 0) return true;
  for (const MethodPart& part : s.experiment.trainer.method->parts())
    if (part.weights->buffers.layout().count() > 0) return true;
  return false;
}

void check_batches(TrainingState& s) {
  const LoopSection& loop = s.experiment.loop;
  if (s.experiment.data.extra.on()) return;  // all batches are full
  const int64_t images = s.images_train, last = images % loop.batch_size;
  TEMPER_CHECK(
      last != 1 || loop.last_batch == LastBatch::drop || loop.batch_size == 1 || !has_batch_norm(s),
      "loop.batch_size: ", images, " training images in batches of ", loop.batch_size,
      " leave a last batch of one, which BatchNorm cannot normalise by its own statistics; set loop.last_batch: "
      "drop to leave it out, or another batch size");
  if (loop.batch_size > images && loop.last_batch != LastBatch::drop)
    add(s.experiment, {cat("loop.batch_size: ", loop.batch_size, " is more than the ", images,
                           " training images, so every step sees all of them")});
}

// Samples are taken every so many steps; possibly none falls into the averaged epochs.
void check_swa(TrainingState& s) {
  const SwaOptions& swa = s.experiment.swa;
  const int64_t epochs = s.experiment.loop.epochs, steps = s.steps_per_epoch();
  if (!swa.on() || swa.every == 0 || swa.start > epochs) return;
  if (epochs * steps / swa.every > (swa.start - 1) * steps / swa.every) return;
  const std::string text = cat("swa.every: none of the steps ", (swa.start - 1) * steps + 1, " to ", epochs * steps,
                               " is a multiple of ", swa.every, ", so nothing is averaged");
  TEMPER_CHECK(s.experiment.loop.select != Select::swa, text, ", but loop.select: swa needs an average");
  add(s.experiment, {text});
}

void check_crop(TrainingState& s) {
  const DataShape& shape = s.network->options().data;
  const int pad = s.experiment.augment.crop_pad;
  if (pad >= std::min(shape.height, shape.width))
    add(s.experiment, {cat("augment.crop_pad: ", pad, " is probably a mistake: images are ", shape.height, " x ",
                           shape.width, ", so some crops hold nothing but padding")});
}

void check_frozen(TrainingState& s) {
  const ParamLayout& layout = s.network->params();
  for (int i = 0; i < layout.count(); ++i)
    if (!layout[i].frozen) return;
  add(s.experiment, {"model.freeze: every parameter is frozen, so nothing is trained"});
}

// Not on a GPU, where it would need plans of its own; the planning pass serves the same purpose there.
void check_pass(TrainingState& s) {
  Engine& engine = s.engine;
  if (engine.device() != Device::cpu) return;
  const Arena::Scope scope(engine.arena());
  const DataShape& shape = s.network->options().data;
  const Tensor image =
      engine.arena().tensor({1, shape.height, shape.width, shape.channels}, s.network->options().dtype);
  set_zero(engine.stream(), image.data, image.bytes());
  s.network->predict(engine, image, Pass::eval(s.experiment.trainer.method->eval_branch(*s.network)));
}

void check_attack(const std::string& key, const Attack& attack, const DataShape& shape) {
  try {
    attack.check(shape);
  } catch (const Error& e) {
    fail(key, ".", e.what());
  }
}

/// Adds up the bytes of a checkpoint.
class Size : public StateVisitor {
 public:
  void operator()(const std::string&, double&) override {}
  void operator()(const std::string&, int64_t&) override {}
  void operator()(const std::string&, ParamBuffer& buffer) override { bytes += size_of(buffer); }
  static int64_t size_of(const ParamBuffer& buffer) {
    int64_t sum = 0;
    for (int i = 0; i < buffer.layout().count(); ++i) sum += static_cast<int64_t>(buffer.view(i).bytes());
    return sum;
  }
  static int64_t size_of(const Weights& weights) { return size_of(weights.params) + size_of(weights.buffers); }
  int64_t bytes = 0;
};

}  // namespace

void check_unused(const RunFolder& folder, Resume resume) {
  TEMPER_CHECK(resume == Resume::yes || !std::filesystem::exists(folder.config()), folder.root.string(),
               ": already holds a run; continue it with --resume, or choose another folder");
}

void check_training_split(Experiment& experiment, const DataSplits& data) {
  add(experiment, check_training_images(data.train, data.validation));
}

void check_test_split(Experiment& experiment, const DataSplits& data) {
  add(experiment, check_test_images(experiment.data.reader->test(), data.train));
}

void check_attacks(const EvaluationSection& evaluation, const DataShape& shape) {
  check_attack("evaluation.validation", *evaluation.validation.attack, shape);
  for (const NamedAttack& a : evaluation.attacks) check_attack("evaluation.attacks." + a.label, *a.attack, shape);
}

void check_state(TrainingState& state) {
  const DataShape& shape = state.network->options().data;
  check_attacks(state.experiment.evaluation, shape);
  for (const Attack* attack : state.experiment.trainer.method->attacks())
    check_attack("trainer.attack", *attack, shape);
  check_pass(state);
  check_batches(state);
  check_swa(state);
  check_crop(state);
  check_frozen(state);
}

int64_t bytes_to_write(TrainingState& state) {
  constexpr int64_t kReport = 1 << 20;  // and metrics
  Size checkpoint;
  state.visit(checkpoint);
  const int64_t weights = Size::size_of(state.network->weights());
  // While a file is replaced both exist: the previous checkpoint, and the old best weights.
  return 2 * checkpoint.bytes + (state.validation ? 2 : 0) * weights + (state.ema ? weights : 0) +
         (state.swa ? weights : 0) + kReport;
}

void check_folder(const RunFolder& folder, int64_t bytes) {
  check_writable(folder.root);
  check_writable(folder.checkpoints());
  check_space(folder.root, bytes - bytes_below(folder.checkpoints()));
}

}  // namespace temper
