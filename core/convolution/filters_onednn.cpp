#include "core/convolution/filters_onednn.h"

#include <algorithm>

#include "core/convolution/plan_onednn.h"
#include "core/convolution/thread_onednn.h"

namespace temper::onednn {

namespace {

/// Writes w, each output channel times its scale and, if `rotated`, with the taps in reverse order.
void stage(const ConvShape& g, const float* w, const std::vector<float>& scale, bool rotated, float* to) {
  const int64_t taps = g.r * g.s;
  for (int64_t k = 0; k < g.k; ++k)
    for (int64_t t = 0; t < taps; ++t) {
      const float* from = w + (k * taps + t) * g.c;
      float* out = to + (k * taps + (rotated ? taps - 1 - t : t)) * g.c;
      for (int64_t c = 0; c < g.c; ++c) out[c] = from[c] * scale[k];
    }
}

}  // namespace

int FilterCache::layout_index(const dnnl::memory::desc& layout) {
  const auto it = std::find(layouts_.begin(), layouts_.end(), layout);
  if (it != layouts_.end()) return static_cast<int>(it - layouts_.begin());
  layouts_.push_back(layout);
  return static_cast<int>(layouts_.size()) - 1;
}

std::shared_ptr<PreparedFilter> FilterCache::make(const ConvShape& g, const dnnl::memory::desc& layout, bool rotated) {
  ++stats_.allocations;
  ++stats_.primitives_created;
  const dnnl::memory::desc from = filter_desc(g, rotated);
  const auto reorder = make_reorder(engine_, from, layout, 0.f);
  return std::make_shared<PreparedFilter>(PreparedFilter{.w = dnnl::memory(layout, engine_),
                                                         .bias = {},
                                                         .reorder = dnnl::reorder(reorder),
                                                         .from = unbound(engine_, from)});
}

std::shared_ptr<const PreparedFilter> FilterCache::get(const ConvShape& g, const ConvFilter& f,
                                                       const dnnl::memory::desc& layout, bool rotated) {
  const std::lock_guard lock(preparing_);
  auto& entry = entries_.get({f.version ? f.w.data : nullptr, layout_index(layout), rotated},
                             [&] { return make(g, layout, rotated); });
  const void* fold = f.fold ? f.fold->mean.data : nullptr;
  if (f.version && entry->version == f.version && entry->fold == fold) return entry;

  if (entry.use_count() > 1) entry = make(g, layout, rotated);
  ++stats_.filters_prepared;
  entry->version = f.version;
  entry->fold = fold;
  float* w = f.w.as<float>();
  if (f.fold || rotated) {
    std::vector<float> scale;
    fold_batch_norm(f, scale, entry->bias);
    w = staging_.reserve<float>(f.w.numel());
    stage(g, f.w.as<float>(), scale, rotated, w);
  }
  entry->from.set_data_handle(w);
  const OneThread alone;
  entry->reorder.execute(stream_, {{DNNL_ARG_FROM, entry->from}, {DNNL_ARG_TO, entry->w}});
  return entry;
}

}  // namespace temper::onednn
