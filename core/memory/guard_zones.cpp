#include "core/memory/guard_zones.h"

#include <algorithm>
#include <cstring>

#include "kernels/runtime/capture.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

constexpr uint8_t kPattern = 0xa5;

// "the first of 3 damaged bytes is 8 bytes after its end, where ..."
[[noreturn]] void report(const Tensor& t, int64_t number, int64_t at, size_t damaged, uint8_t found) {
  const int64_t bytes = static_cast<int64_t>(t.bytes());
  fail("arena: something wrote beside tensor ", number, " of the step, a ", t.shape, " of ", t.dtype, ": the first of ",
       damaged, " damaged bytes is ", at < 0 ? -at : at - bytes, at < 0 ? " before its begin" : " after its end",
       ", where ", static_cast<int>(kPattern), " was expected and ", static_cast<int>(found),
       " is; look at the kernels that write this tensor or one next to it");
}

}  // namespace

GuardZones::GuardZones(Stream stream) : stream_(stream), pattern_(stream, std::vector<uint8_t>(2 * kBytes, kPattern)) {}

GuardZones::Zone GuardZones::before(const Entry& e) { return {static_cast<char*>(e.tensor.data) - kBytes, kBytes}; }
GuardZones::Zone GuardZones::behind(const Entry& e) {
  return {static_cast<char*>(e.tensor.data) + e.tensor.bytes(), e.after};
}

// Not by copy() on the CPU, where recording lists what a step launches: that is the same with and without zones.
void GuardZones::set(const Zone& zone) const {
  char* to = const_cast<char*>(zone.begin);
  if (stream_.device == Device::cpu)
    std::memset(to, kPattern, zone.bytes);
  else
    copy(stream_, to, stream_.device, pattern_.data(), stream_.device, zone.bytes);
}

std::vector<uint8_t> GuardZones::read(const Zone& zone) const {
  std::vector<uint8_t> bytes(zone.bytes);
  if (stream_.device == Device::cpu)
    std::memcpy(bytes.data(), zone.begin, zone.bytes);
  else
    copy(stream_, bytes.data(), Device::cpu, zone.begin, stream_.device, zone.bytes);
  return bytes;
}

void GuardZones::open(const Tensor& t, size_t room) {
  if (entries_.empty()) next_ = 0;
  Entry& e = entries_.emplace_back(Entry{.tensor = t, .after = room - t.bytes() + kBytes, .number = next_++});
  e.set = !planning(stream_) && (stream_.device == Device::cpu || !recording(stream_));
  if (!e.set) return;
  set(before(e));
  set(behind(e));
}

void GuardZones::forget(const char* from) {
  while (!entries_.empty() && static_cast<char*>(entries_.back().tensor.data) >= from) entries_.pop_back();
}

void GuardZones::close(const char* from) {
  struct Look {
    Entry entry;
    Zone zone;
    std::vector<uint8_t> bytes;
  };
  std::vector<Look> looks;
  for (size_t i = entries_.size(); i-- > 0 && static_cast<char*>(entries_[i].tensor.data) >= from;) {
    const Entry& e = entries_[i];
    if (!e.set) continue;
    for (const Zone& zone : {behind(e), before(e)}) looks.push_back({e, zone, read(zone)});
  }
  forget(from);
  if (looks.empty()) return;
  if (stream_.device != Device::cpu) synchronize(stream_);
  const auto damaged = [](uint8_t byte) { return byte != kPattern; };
  for (size_t i = looks.size(); i-- > 0;) {  // lowest address first
    const auto& [entry, zone, bytes] = looks[i];
    const auto first = std::find_if(bytes.begin(), bytes.end(), damaged);
    if (first == bytes.end()) continue;
    report(entry.tensor, entry.number, zone.begin + (first - bytes.begin()) - static_cast<char*>(entry.tensor.data),
           static_cast<size_t>(std::count_if(first, bytes.end(), damaged)), *first);
  }
}

}  // namespace temper
