#pragma once
#include <dnnl.hpp>
#include <memory>
#include <mutex>
#include <vector>

#include "core/convolution/prepared_filters.h"
#include "core/memory/workspace.h"

namespace temper::onednn {

/// A filter in the layout and type that a primitive needs, with the fold multiplied in.
struct PreparedFilter {
  dnnl::memory w;
  dnnl::primitive reorder;
  dnnl::memory from;
  std::vector<float> bias = {};  ///< of a folded filter
};

/// Prepared filters, one per (filter, layout), for all threads of an engine.
class FilterCache {
 public:
  explicit FilterCache(const dnnl::engine& engine) : engine_(engine) {}
  /// `rotated`: as Plan::rotated.
  std::shared_ptr<const PreparedFilter> get(Stream s, const ConvShape& g, const ConvFilter& f,
                                            const dnnl::memory::desc& layout, bool rotated);
  /// Every new filter also counts as a new primitive, the one that reorders it.
  ConvStats stats() const;

 private:
  struct Use {
    int layout;
    bool rotated;
    friend auto operator<=>(const Use&, const Use&) = default;
  };
  int layout_index(const dnnl::memory::desc& layout);

  const dnnl::engine& engine_;
  dnnl::stream stream_{engine_};
  Workspace staging_;
  std::mutex naming_;
  std::vector<dnnl::memory::desc> layouts_;
  PreparedFilters<Use, PreparedFilter> kept_;
};

}  // namespace temper::onednn
