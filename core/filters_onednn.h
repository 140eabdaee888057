#pragma once
#include <dnnl.hpp>
#include <vector>

#include "core/conv.h"
#include "core/lru.h"
#include "core/workspace.h"

namespace temper::onednn {

/// A filter in the layout and type a primitive wants, with a fold multiplied in.
struct PreparedFilter {
  dnnl::memory w;
  std::vector<float> bias;  ///< of a folded filter
  dnnl::primitive reorder;
  dnnl::memory from;
  uint64_t stamp = 0;
  const void* fold = nullptr;  ///< identity of the statistics folded in
};

/// Prepared filters, one per (filter, layout): a new stamp or another fold takes the place of the old contents.
class FilterCache {
 public:
  FilterCache(const dnnl::engine& engine, ConvStats& stats) : engine_(engine), stats_(stats), entries_(4096) {}
  /// `turned`: as Plan::turned. `staging` is used while preparing.
  const PreparedFilter& get(const dnnl::stream& stream, const ConvShape& g, const ConvFilter& f,
                            const dnnl::memory::desc& layout, bool turned, Workspace& staging);

 private:
  struct Key {
    const void* filter;
    int layout;
    bool turned;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  int layout_index(const dnnl::memory::desc& layout);
  PreparedFilter make(const ConvShape& g, const dnnl::memory::desc& layout, bool turned);

  const dnnl::engine& engine_;
  ConvStats& stats_;
  std::vector<dnnl::memory::desc> layouts_;
  Lru<Key, PreparedFilter> entries_;
};

}  // namespace temper::onednn
