#include "tests/emulation/device_memory.h"

#include <execinfo.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "kernels/runtime/check.h"

namespace temper::emulation {

namespace {

constexpr size_t kCapacity = size_t{8} << 30, kAlign = 256;
constexpr size_t kPage = size_t{2} << 20;  // protecting few, huge pages takes microseconds
constexpr size_t kFilled = size_t{1} << 20;
#if defined(__SANITIZE_ADDRESS__) || defined(TEMPER_EMULATION_TSAN)
constexpr bool kGuarded = false;
#else
constexpr bool kGuarded = true;
#endif

class Memory {
 public:
  void* allocate(size_t bytes);
  bool free(void* p);
  const std::pair<char* const, size_t>* holding(const void* p) const;
  bool within(const void* p) const { return (p >= base_ && p < base_ + kCapacity) || reserved(p); }
  char* reserve(size_t bytes);
  bool free_reserved(char* p, size_t bytes);
  bool add(char* p, size_t bytes);
  void drop(char* p, size_t bytes);
  bool usable(const void* p, size_t bytes) const;
  void open();
  void close();
  size_t used = 0;

 private:
  /// Reserved addresses, the first `ready` bytes with memory.
  struct Reserved {
    size_t bytes, ready = 0;
  };
  static void fault(int, siginfo_t* info, void* context);
  void reserve_base();
  const std::pair<char* const, Reserved>* reserved(const void* p) const;
  char* place(size_t bytes);
  void protect(int how) {
    mprotect(base_, touched_, how);
    for (const auto& [p, r] : reserved_) mprotect(p, r.ready, how);
  }

  char* base_ = nullptr;
  size_t touched_ = 0;  // nothing was ever allocated from here on
  int open_ = 0;
  std::map<char*, size_t> live_;
  std::map<char*, Reserved> reserved_;
};

Memory& memory() {
  static Memory m;
  return m;
}

void Memory::reserve_base() {
  char* p = static_cast<char*>(
      mmap(nullptr, kCapacity + kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  TEMPER_CHECK(p != MAP_FAILED, "emulation: no addresses for the device's memory");
  base_ = p + (kPage - reinterpret_cast<uintptr_t>(p) % kPage) % kPage;
  madvise(base_, kCapacity, MADV_HUGEPAGE);
}

/// The first gap that is large enough.
char* Memory::place(size_t bytes) {
  char* at = base_;
  for (const auto& [p, size] : live_) {
    if (at + bytes <= p) break;
    at = p + (size + kAlign) / kAlign * kAlign;  // a byte of nobody's, at least
  }
  return at + bytes <= base_ + kCapacity ? at : nullptr;
}

void* Memory::allocate(size_t bytes) {
  void* p = nullptr;
  if (!kGuarded) {
    if (posix_memalign(&p, kAlign, bytes) != 0) return nullptr;
  } else {
    if (!base_) reserve_base();
    p = place(bytes);
    if (!p || used + bytes > kCapacity) return nullptr;
    const size_t end = static_cast<char*>(p) + bytes - base_;
    if (end > touched_) touched_ = (end + kPage - 1) / kPage * kPage;
  }
  live_[static_cast<char*>(p)] = bytes;
  used += bytes;
  const DeviceAccess access;
  if (bytes <= kFilled) std::memset(p, 0xff, bytes);
  return p;
}

bool Memory::free(void* p) {
  const auto it = live_.find(static_cast<char*>(p));
  if (it == live_.end()) return false;
  used -= it->second;
  if (!kGuarded)
    std::free(p);
  else if (it->second >= 2 * kPage) {  // the pages that are nobody else's
    const uintptr_t from = (reinterpret_cast<uintptr_t>(p) + kPage - 1) / kPage * kPage,
                    to = (reinterpret_cast<uintptr_t>(p) + it->second) / kPage * kPage;
    madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
  }
  live_.erase(it);
  return true;
}

const std::pair<char* const, size_t>* Memory::holding(const void* p) const {
  const auto next = live_.upper_bound(static_cast<char*>(const_cast<void*>(p)));
  if (next == live_.begin()) return nullptr;
  const auto& found = *std::prev(next);
  return p < found.first + found.second ? &found : nullptr;
}

const std::pair<char* const, Memory::Reserved>* Memory::reserved(const void* p) const {
  const auto next = reserved_.upper_bound(static_cast<char*>(const_cast<void*>(p)));
  if (next == reserved_.begin()) return nullptr;
  const auto& found = *std::prev(next);
  return p < found.first + found.second.bytes ? &found : nullptr;
}

char* Memory::reserve(size_t bytes) {
  const int how = kGuarded ? PROT_NONE : PROT_READ | PROT_WRITE;
  void* p = mmap(nullptr, bytes, how, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  madvise(p, bytes, MADV_HUGEPAGE);
  reserved_[static_cast<char*>(p)] = {bytes};
  return static_cast<char*>(p);
}

bool Memory::free_reserved(char* p, size_t bytes) {
  const auto it = reserved_.find(p);
  if (it == reserved_.end() || it->second.bytes != bytes || it->second.ready > 0) return false;
  munmap(p, bytes);
  reserved_.erase(it);
  return true;
}

bool Memory::add(char* p, size_t bytes) {
  for (auto& [begin, r] : reserved_)
    if (begin + r.ready == p && r.ready + bytes <= r.bytes) return r.ready += bytes, true;
  return false;
}

// In any order, as long as all of it goes.
void Memory::drop(char* p, size_t bytes) {
  for (auto& [begin, r] : reserved_)
    if (p >= begin && p < begin + r.bytes) r.ready -= bytes;
  madvise(p, bytes, MADV_DONTNEED);
}

bool Memory::usable(const void* p, size_t bytes) const {
  const auto* r = reserved(p);
  return r && static_cast<const char*>(p) + bytes <= r->first + r->second.ready;
}

// A test framework puts handlers of its own around every test, so this one is put in place again and again, and hands
// on to theirs.
struct sigaction next_handler {};

void Memory::fault(int, siginfo_t* info, void*) {
  const Memory& m = memory();
  if (m.within(info->si_addr)) {
    const auto* array = m.holding(info->si_addr);
    char text[256];
    int n = std::snprintf(text, sizeof text, "emulation: host code touched device memory at %p", info->si_addr);
    if (array)
      n += std::snprintf(text + n, sizeof text - n, ", byte %zu of an array of %zu bytes",
                         static_cast<size_t>(static_cast<char*>(info->si_addr) - array->first), array->second);
    n +=
        std::snprintf(text + n, sizeof text - n, "; copy() it to the host and synchronize() first. The host was in:\n");
    void* frames[32];
    if (write(STDERR_FILENO, text, n) == n) backtrace_symbols_fd(frames, backtrace(frames, 32), STDERR_FILENO);
  }
  sigaction(SIGSEGV, &next_handler, nullptr);  // which the access, tried again, ends up in
}

void Memory::open() {
  if (!kGuarded || open_++ > 0) return;
  protect(PROT_READ | PROT_WRITE);
}

void Memory::close() {
  if (!kGuarded || --open_ > 0) return;
  protect(PROT_NONE);
  struct sigaction ours {
  }, before{};
  ours.sa_sigaction = fault;
  ours.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &ours, &before);
  if (before.sa_sigaction != ours.sa_sigaction) next_handler = before;
}

}  // namespace

void* device_allocate(size_t bytes) { return memory().allocate(bytes); }
bool device_free(void* p) { return memory().free(p); }
bool on_device(const void* p, size_t bytes) {
  if (memory().usable(p, bytes)) return true;
  const auto* array = memory().holding(p);
  return array && static_cast<const char*>(p) + bytes <= array->first + array->second;
}
bool on_host(const void* p) { return kGuarded && p && !memory().within(p); }

char* reserve_addresses(size_t bytes) { return memory().reserve(bytes); }
bool free_addresses(char* p, size_t bytes) { return memory().free_reserved(p, bytes); }
bool add_memory(char* p, size_t bytes) { return memory().add(p, bytes); }
void drop_memory(char* p, size_t bytes) { memory().drop(p, bytes); }
bool take_capacity(size_t bytes) {
  if (memory().used + bytes > kCapacity) return false;
  memory().used += bytes;
  return true;
}
void give_capacity(size_t bytes) { memory().used -= bytes; }

std::recursive_mutex& device_mutex() {
  static std::recursive_mutex one;
  return one;
}

size_t device_capacity() { return kCapacity; }
size_t device_used() { return memory().used; }

DeviceAccess::DeviceAccess() { memory().open(); }
DeviceAccess::~DeviceAccess() { memory().close(); }

}  // namespace temper::emulation
