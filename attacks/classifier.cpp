#include "attacks/classifier.h"

#include "attacks/slices.h"

namespace temper {

Classifier::Classifier(const Network& network, Pass pass, std::vector<std::string> taps)
    : logits_([&network, pass](Tape& tape, const Var& images, Taps* found) {
        Pass with_taps = pass;
        if (found) with_taps.taps = found;
        return network(tape, images, with_taps);
      }),
      at_a_time_([&network, bn = pass.bn](Engine& engine, int64_t samples) {
        return temper::samples_at_a_time(engine, network, bn, samples);
      }),
      taps_(std::move(taps)),
      samples_meet_(pass.bn == BnStats::batch) {}

Classifier Classifier::at_a_time(int64_t samples) const {
  Classifier other = *this;
  other.at_a_time_ = [samples](Engine&, int64_t) { return samples; };
  return other;
}

}  // namespace temper
