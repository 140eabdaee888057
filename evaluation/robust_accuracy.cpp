#include "evaluation/robust_accuracy.h"

#include <algorithm>
#include <numeric>

#include "attacks/gradient_watch.h"
#include "attacks/slices.h"
#include "core/host.h"
#include "core/plans/plan_ahead.h"
#include "data/loader.h"
#include "kernels/gradient_notes/gradient_notes.h"
#include "nn/weights_check.h"

namespace temper {

namespace {

// In the engine's arena.
Tensor logits(Engine& engine, const Network& network, Pass pass, const Batch& batch, const Attack* attack) {
  if (!attack) return predict_in_slices(engine, network, batch.images, pass);
  const AttackResult found = attack->run({engine, batch, {network, pass}, RngStream(engine.seed()), Wanted::success});
  return predict_in_slices(engine, network, found.images, pass);
}

}  // namespace

bool note_evaluation(Engine& engine, const Network& network, Pass pass, Loader& loader, const Attack* attack) {
  return note_plans(engine, [&] {
    for (const int64_t b : loader.of_every_size()) {
      const Arena::Scope scope(engine.arena());
      logits(engine, network, pass, loader.blank(b), attack);
    }
  });
}

Accuracy evaluate(Engine& engine, const Network& network, Pass pass, Loader& loader, const Attack* attack,
                  const std::function<void(int64_t, int64_t)>& progress) {
  Accuracy result;
  check_weights(engine, pass.weights ? *pass.weights : network.weights(), "evaluation");
  for (int64_t b = 0; b < loader.batches(); ++b) {
    const Arena::Scope scope(engine.arena());
    Batch batch = loader.load(0, b);
    if (attack) batch.notes = blank_notes(engine, batch.size());
    const std::vector<int32_t> predicted = predictions(engine, logits(engine, network, pass, batch, attack));
    const std::vector<int32_t> labels = host_indices(engine, batch.labels);
    const std::vector<int32_t> notes = attack ? read_notes(engine, batch.notes, *attack) : std::vector<int32_t>();
    for (int64_t i = 0; i < loader.counted(b); ++i) {
      const bool right = predicted[i] == labels[i], still = attack && (notes[i] & kZeroGradient);
      result.right.push_back(right);
      result.zero_gradient += still;
      result.zero_gradient_right += still && right;
    }
    if (progress) progress(static_cast<int64_t>(result.right.size()), loader.size());
  }
  result.total = static_cast<int64_t>(result.right.size());
  result.correct = std::accumulate(result.right.begin(), result.right.end(), int64_t{0});
  return result;
}

}  // namespace temper
