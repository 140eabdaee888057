#include "evaluation/robust_accuracy.h"

#include <numeric>

#include "core/host.h"
#include "core/image_fault.h"
#include "data/loader.h"

namespace temper {

Accuracy evaluate(Engine& engine, const Network& network, Pass pass, Loader& loader, const Attack* attack,
                  const std::function<void(int64_t, int64_t)>& progress) {
  const Classifier classifier = [&](Tape& tape, const Var& x) { return network(tape, x, pass); };
  Accuracy result;
  for (int64_t b = 0; b < loader.batches(); ++b) {
    const Arena::Scope scope(engine.arena());
    const Batch batch = loader.load(0, b);
    const Tensor images = attack ? attack->run(engine, batch, classifier, 0) : batch.images;
    if (attack) check_image_gradients(engine, attack->describe());
    const std::vector<int32_t> predicted = predictions(engine, network.predict(engine, images, pass));
    const std::vector<int32_t> labels = host_indices(engine, batch.labels);
    for (int64_t i = 0; i < loader.counted(b); ++i) result.right.push_back(predicted[i] == labels[i]);
    if (progress) progress(static_cast<int64_t>(result.right.size()), loader.size());
  }
  result.total = static_cast<int64_t>(result.right.size());
  result.correct = std::accumulate(result.right.begin(), result.right.end(), int64_t{0});
  return result;
}

}  // namespace temper
