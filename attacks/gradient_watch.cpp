#include "attacks/gradient_watch.h"

#include "core/host.h"
#include "core/image_fault.h"
#include "kernels/gradient_notes/gradient_notes.h"
#include "kernels/runtime/memory.h"

namespace temper {

GradientWatch::GradientWatch(Engine& engine, const Batch& batch)
    : engine_(engine), notes_(batch.notes ? batch.notes : blank_notes(engine, batch.size())), tallied_(!batch.notes) {}

void GradientWatch::look(const Tensor& gradient, const Tensor& values) const {
  const int64_t rows = notes_.numel();
  dispatch_full(gradient.dtype, [&](auto tag) {
    using T = decltype(tag);
    note_gradients<T>(engine_.stream(), rows, static_cast<int>(gradient.numel() / rows), notes_.as<int32_t>(),
                      gradient.as<const T>(), values.as<const T>());
  });
}

void GradientWatch::report() const {
  if (tallied_)
    tally_notes(engine_.stream(), notes_.numel(), engine_.attack_tally().as<int32_t>(), notes_.as<const int32_t>());
}

Tensor blank_notes(Engine& engine, int64_t samples) {
  const Tensor notes = engine.arena().tensor({samples}, DType::i32);
  set_zero(engine.stream(), notes.data, notes.bytes());
  return notes;
}

std::vector<int32_t> read_notes(Engine& engine, const Tensor& notes, const Attack& attack) {
  std::vector<int32_t> all = host_indices(engine, notes);
  for (const int32_t note : all)
    TEMPER_CHECK(!(note & kNotFinite), attack.describe(),
                 ": met a gradient of the images that is not finite: ", image_fault_advice(engine));
  return all;
}

}  // namespace temper
