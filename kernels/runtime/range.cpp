#include "kernels/runtime/range.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "kernels/runtime/memory.h"
#if defined(TEMPER_CUDA)
#include <nvtx3/nvToolsExt.h>
#endif

namespace temper {

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

void RangeLog::clear() {
  drop(once_);
  drop(recorded_);
  nodes_.assign(1, Node{});
  open_.clear();
  current_ = 0;
}

void RangeLog::restart() {
  drop(once_);
  repeated_ = false;
  for (Node& n : nodes_) n.count = 0, n.seconds = 0;
}

void RangeLog::add(const std::vector<Timed>& all) {
  for (const Timed& t : all) {
    ++nodes_[t.node].count;
    nodes_[t.node].seconds += clock_->seconds(t.from, t.to);
  }
}

void RangeLog::drop(std::vector<Timed>& all) {
  for (const Timed& t : all) {
    clock_->release(t.from);
    clock_->release(t.to);
  }
  all.clear();
}

void RangeLog::settle() {
  add(once_);
  drop(once_);
  if (std::exchange(repeated_, false)) add(recorded_);
}

/// Whether the range that is about to be opened in current_ is.
bool RangeLog::timed_by_device() const {
  const Node& range = nodes_[current_];
  const Node& around = nodes_[range.parent];
  if (range.kind == RangeKind::phase) return range.parent == 0;
  return around.kind == RangeKind::phase;
}

int RangeLog::inside(int parent, RangeKind kind, std::string_view name, std::span<const int64_t> extents) {
  const std::vector<int>& siblings = nodes_[parent].children;
  const auto known = std::find_if(siblings.begin(), siblings.end(), [&](int i) {
    return nodes_[i].name == name &&
           std::equal(extents.begin(), extents.end(), nodes_[i].extents.begin(), nodes_[i].extents.end());
  });
  if (known != siblings.end()) return *known;
  const int made = static_cast<int>(nodes_.size());
  nodes_[parent].children.push_back(made);
  nodes_.push_back(
      {.name = std::string(name), .extents = {extents.begin(), extents.end()}, .kind = kind, .parent = parent});
  return made;
}

void RangeLog::absorb(const RangeLog& part, int threads) {
  std::vector<int> here(part.nodes_.size(), current_);
  for (size_t i = 1; i < part.nodes_.size(); ++i) {
    const Node& from = part.nodes_[i];
    here[i] = inside(here[from.parent], from.kind, from.name, from.extents);
    nodes_[here[i]].count += from.count;
    nodes_[here[i]].seconds += from.seconds / threads;
  }
}

void RangeLog::open(Stream stream, RangeKind kind, std::string_view name, std::initializer_list<int64_t> extents) {
  if (!clock_) synchronize(stream);
  current_ = inside(current_, kind, name, {extents.begin(), extents.size()});
  if (clock_)
    open_.push_back({.mark = timed_by_device() ? clock_->mark(stream) : -1});
  else
    open_.push_back({.started = now()});
}

void RangeLog::close(Stream stream) {
  if (!clock_) synchronize(stream);
  const int node = std::exchange(current_, nodes_[current_].parent);
  const Open range = open_.back();
  open_.pop_back();
  if (!clock_) {
    ++nodes_[node].count;
    nodes_[node].seconds += now() - range.started;
    return;
  }
  if (range.mark < 0) return;
  const Timed timed{node, range.mark, clock_->mark(stream)};
  if (!recording(stream)) return once_.push_back(timed);
  if (recording_ != generation(stream)) {  // a new recording; whatever the one before held does not run again
    drop(recorded_);
    recording_ = generation(stream);
    stream.capture->on_replay([this] { repeated_ = true; });
  }
  recorded_.push_back(timed);
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
  if (timed()) stream_.ranges->open(stream_, kind, name, extents);
}

void Range::close() const {
  if (timed()) stream_.ranges->close(stream_);
#if defined(TEMPER_CUDA)
  if (stream_.device == Device::cuda) nvtxRangePop();
#endif
}

}  // namespace temper
