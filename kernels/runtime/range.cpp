#include "kernels/runtime/range.h"

#include <algorithm>
#include <chrono>

#include "kernels/runtime/memory.h"
#if defined(TEMPER_CUDA)
#include <nvtx3/nvToolsExt.h>
#endif

namespace temper {

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

void RangeLog::clear() {
  nodes_.assign(1, Node{});
  started_.clear();
  current_ = 0;
}

void RangeLog::open(RangeKind kind, std::string_view name, std::initializer_list<int64_t> extents) {
  const std::vector<int>& siblings = nodes_[current_].children;
  const auto known = std::find_if(siblings.begin(), siblings.end(), [&](int i) {
    return nodes_[i].name == name &&
           std::equal(extents.begin(), extents.end(), nodes_[i].extents.begin(), nodes_[i].extents.end());
  });
  if (known != siblings.end()) {
    current_ = *known;
  } else {
    const int made = static_cast<int>(nodes_.size());
    nodes_[current_].children.push_back(made);
    nodes_.push_back({.name = std::string(name), .extents = extents, .kind = kind, .parent = current_});
    current_ = made;
  }
  started_.push_back(now());
}

void RangeLog::close() {
  Node& node = nodes_[current_];
  ++node.count;
  node.seconds += now() - started_.back();
  started_.pop_back();
  current_ = node.parent;
}

void Range::open(RangeKind kind, const char* name, std::initializer_list<int64_t> extents) const {
#if defined(TEMPER_CUDA)
  if (stream_.device == Device::cuda) nvtxRangePushA(name);
#endif
  if (listing(stream_)) {
    stream_.capture->entered(name);
    const char* bytes = reinterpret_cast<const char*>(extents.begin());
    if (stream_.device == Device::cpu)
      stream_.capture->launched({name, {bytes, bytes + extents.size() * sizeof(int64_t)}});
  }
  if (!timed()) return;
  synchronize(stream_);
  stream_.ranges->open(kind, name, extents);
}

void Range::close() const {
  if (timed()) {
    synchronize(stream_);
    stream_.ranges->close();
  }
#if defined(TEMPER_CUDA)
  if (stream_.device == Device::cuda) nvtxRangePop();
#endif
}

}  // namespace temper
