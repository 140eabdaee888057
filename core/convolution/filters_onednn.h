#pragma once
#include <dnnl.hpp>
#include <memory>
#include <mutex>
#include <vector>

#include "core/convolution/conv.h"
#include "core/lru.h"
#include "core/memory/workspace.h"

namespace temper::onednn {

/// A filter in the layout and type a primitive wants, with a fold multiplied in.
struct PreparedFilter {
  dnnl::memory w;
  std::vector<float> bias;  ///< of a folded filter
  dnnl::primitive reorder;
  dnnl::memory from;
  uint64_t version = 0;
  const void* fold = nullptr;  ///< identity of the statistics folded in
};

/// Prepared filters, one per (filter, layout), for all threads of an engine: a new version or another fold takes the
/// place of the old contents, but not in what another thread still uses. Who comes first prepares, others wait.
class FilterCache {
 public:
  explicit FilterCache(const dnnl::engine& engine) : engine_(engine), entries_(4096) {}
  /// `rotated`: as Plan::rotated.
  std::shared_ptr<const PreparedFilter> get(const ConvShape& g, const ConvFilter& f, const dnnl::memory::desc& layout,
                                            bool rotated);
  ConvStats stats() const {
    ConvStats all = stats_;
    all.allocations += staging_.allocations();
    return all;
  }

 private:
  struct Key {
    const void* filter;
    int layout;
    bool rotated;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  int layout_index(const dnnl::memory::desc& layout);
  std::shared_ptr<PreparedFilter> make(const ConvShape& g, const dnnl::memory::desc& layout, bool rotated);

  std::mutex preparing_;
  const dnnl::engine& engine_;
  dnnl::stream stream_{engine_};
  ConvStats stats_;
  Workspace staging_;
  std::vector<dnnl::memory::desc> layouts_;
  Lru<Key, std::shared_ptr<PreparedFilter>> entries_;
};

}  // namespace temper::onednn
