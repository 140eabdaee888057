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

ConvStats FilterCache::stats() const {
  const ConvStats kept = kept_.stats();
  return {.primitives_created = kept.allocations,
          .filters_prepared = kept.filters_prepared,
          .allocations = kept.allocations + staging_.allocations()};
}

int FilterCache::layout_index(const dnnl::memory::desc& layout) {
  const std::lock_guard lock(naming_);
  const auto it = std::find(layouts_.begin(), layouts_.end(), layout);
  if (it != layouts_.end()) return static_cast<int>(it - layouts_.begin());
  layouts_.push_back(layout);
  return static_cast<int>(layouts_.size()) - 1;
}

std::shared_ptr<const PreparedFilter> FilterCache::get(Stream s, const ConvShape& g, const ConvFilter& f,
                                                       const dnnl::memory::desc& layout, bool rotated) {
  const auto make = [&] {
    const dnnl::memory::desc from = filter_desc(g, rotated);
    return PreparedFilter{.w = dnnl::memory(layout, engine_),
                          .reorder = dnnl::reorder(make_reorder(engine_, from, layout, 0.f)),
                          .from = unbound(engine_, from)};
  };
  return kept_.get(s, f, {layout_index(layout), rotated}, make, [&](PreparedFilter& to) {
    float* w = f.w.as<float>();
    if (f.fold || rotated) {
      std::vector<float> scale;
      fold_batch_norm(f, scale, to.bias);
      w = staging_.reserve<float>(f.w.numel());
      stage(g, f.w.as<float>(), scale, rotated, w);
    }
    to.from.set_data_handle(w);
    const OneThread alone;
    to.reorder.execute(stream_, {{DNNL_ARG_FROM, to.from}, {DNNL_ARG_TO, to.w}});
  });
}

}  // namespace temper::onednn
