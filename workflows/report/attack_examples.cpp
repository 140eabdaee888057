#include "workflows/report/attack_examples.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/plans/plan_ahead.h"
#include "data/loader.h"
#include "evaluation/robust_accuracy.h"
#include "kernels/runtime/memory.h"
#include "workflows/report/png.h"

namespace temper {

namespace {

std::vector<float> host(Engine& engine, const Tensor& t) {
  const auto n = static_cast<size_t>(t.numel());
  std::vector<float> out(n);
  std::vector<double> wide(t.dtype == DType::f64 ? n : 0);
  TEMPER_CHECK(t.dtype == DType::f32 || t.dtype == DType::f64, "attack_examples: expected f32 or f64, got ", t.dtype);
  copy(engine.stream(), wide.empty() ? static_cast<void*>(out.data()) : wide.data(), Device::cpu, t.data, t.device,
       t.bytes());
  synchronize(engine.stream());
  std::transform(wide.begin(), wide.end(), out.begin(), [](double v) { return static_cast<float>(v); });
  return out;
}

struct Answer {
  std::string label;
  double confidence = 0;
};

std::string class_name(const ImageSet& set, int64_t label) {
  const auto at = static_cast<size_t>(label);
  return at < set.class_names.size() ? set.class_names[at] : cat("class ", label);
}

Answer answer_of(const ImageSet& set, std::span<const float> logits) {
  const auto best = std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float z : logits) sum += std::exp(static_cast<double>(z) - *best);
  return {class_name(set, best - logits.begin()), 1 / sum};
}

// The largest of 1, 2, 5, 10, 20, ... that keeps 0.5 + gain * difference within [0, 1], roughly.
double round_gain(double largest) {
  double gain = 1;
  for (const double next : {2.0, 5.0, 10.0, 20.0, 50.0, 100.0})
    if (next * largest <= 0.5 * 1.05) gain = next;
  return gain;
}

}  // namespace

Examples attack_examples(Engine& engine, const Network& network, const Pass& pass, const ImageSet& set,
                         const Attack& attack, int64_t count) {
  std::vector<int64_t> first(static_cast<size_t>(std::min(count, set.size())));
  std::iota(first.begin(), first.end(), 0);
  Loader loader(engine, set.subset(first), {.batch_size = set.size()});
  plan_ahead(engine, [&] { note_evaluation(engine, network, pass, loader, &attack); });
  Arena::Scope scope(engine.arena());
  const Batch batch = loader.load(0, 0);
  const Tensor moved = attack.run({engine, batch, {network, pass}, RngStream(engine.seed())}).images;
  const std::vector<float> clean = host(engine, batch.images), attacked = host(engine, moved);
  const std::vector<float> before = host(engine, network.predict(engine, batch.images, pass));
  const std::vector<float> after = host(engine, network.predict(engine, moved, pass));

  double largest = 0;
  for (size_t i = 0; i < clean.size(); ++i) largest = std::max<double>(largest, std::abs(attacked[i] - clean[i]));
  Examples out{.attack = {}, .gain = round_gain(largest), .images = {}};
  const auto classes = before.size() / first.size(), pixels = clean.size() / first.size();
  const auto part = [](const std::vector<float>& v, size_t i, size_t n) {
    return std::span<const float>(v).subspan(i * n, n);
  };
  for (size_t i = 0; i < first.size(); ++i) {
    const Answer was = answer_of(set, part(before, i, classes)), is = answer_of(set, part(after, i, classes));
    const auto picture = [&](const std::vector<float>& v) {
      return data_uri(picture_of(part(v, i, pixels), set.height, set.width, set.channels));
    };
    out.images.push_back({class_name(set, set.labels[i]), was.label, is.label, was.confidence, is.confidence,
                          picture(clean), picture(attacked),
                          data_uri(difference_picture(part(clean, i, pixels), part(attacked, i, pixels), out.gain,
                                                      set.height, set.width, set.channels))});
  }
  return out;
}

}  // namespace temper
