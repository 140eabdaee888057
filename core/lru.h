#pragma once
#include <cstddef>
#include <cstdint>
#include <map>

namespace temper {

/// A map that forgets what was used longest ago once it holds more than `capacity` entries. References stay valid until
/// the next call of get().
template <class Key, class Value>
class Lru {
 public:
  explicit Lru(size_t capacity) : capacity_(capacity) {}

  /// The value of `key`; make() -> Value is called for a key that is not held.
  template <class Make>
  Value& get(const Key& key, Make make) {
    auto it = entries_.find(key);
    if (it == entries_.end()) {
      if (entries_.size() >= capacity_) drop_oldest();
      it = entries_.emplace(key, Entry{make(), 0}).first;
    }
    if (it->second.used != kKept) it->second.used = ++clock_;
    return it->second.value;
  }
  /// The value of `key`, which is held, is not forgotten from now on.
  void keep(const Key& key) { entries_.at(key).used = kKept; }
  size_t size() const { return entries_.size(); }

 private:
  static constexpr uint64_t kKept = ~uint64_t{0};
  struct Entry {
    Value value;
    uint64_t used;
  };
  void drop_oldest() {
    auto oldest = entries_.begin();
    for (auto it = entries_.begin(); it != entries_.end(); ++it)
      if (it->second.used < oldest->second.used) oldest = it;
    if (oldest->second.used != kKept) entries_.erase(oldest);
  }

  size_t capacity_;
  uint64_t clock_ = 0;
  std::map<Key, Entry> entries_;
};

}  // namespace temper
