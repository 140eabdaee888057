#pragma once
#include <memory>
#include <mutex>

#include "core/convolution/conv.h"
#include "core/lru.h"
#include "kernels/runtime/capture.h"

namespace temper {

/// A cache of prepared filters: a T for each filter and each `Use` of it, such as a layout. Its contents are valid for
/// one version of the filter, one fold and one generation of a capture. Otherwise they are prepared again, in the same
/// T or, while another thread still reads it, in a new one. Holds a few thousand entries and then drops the least
/// recently used, except those that a captured step reads. Thread-safe.
template <class Use, class T>
class PreparedFilters {
 public:
  /// make() returns an empty T, fill(T&) prepares its contents. One thread prepares at a time; others wait.
  template <class Make, class Fill>
  std::shared_ptr<T> get(Stream stream, const ConvFilter& f, const Use& use, const Make& make, const Fill& fill) {
    const std::lock_guard lock(preparing_);
    const auto made = [&] {
      ++stats_.allocations;
      return std::make_shared<Entry>(Entry{.value = make()});
    };
    const Key key{f.version ? f.w.data : nullptr, use};
    std::shared_ptr<Entry>& entry = entries_.get(key, made);
    if (recording(stream)) entries_.keep(key);
    const Contents wanted{f.version, f.fold ? f.fold->mean.data : nullptr, generation(stream)};
    if (f.version == 0 || entry->contents != wanted) {
      if (entry.use_count() > 1) entry = made();
      ++stats_.filters_prepared;
      entry->contents = {};
      fill(entry->value);
      entry->contents = wanted;
    }
    return {entry, &entry->value};
  }
  ConvStats stats() const { return stats_; }

 private:
  struct Key {
    const void* filter;
    Use use;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Contents {
    uint64_t version = 0;
    const void* fold = nullptr;
    uint64_t generation = 0;
    friend bool operator==(const Contents&, const Contents&) = default;
  };
  struct Entry {
    T value;
    Contents contents = {};
  };

  std::mutex preparing_;
  ConvStats stats_;
  Lru<Key, std::shared_ptr<Entry>> entries_{4096};
};

}  // namespace temper
