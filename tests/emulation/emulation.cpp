#include "tests/emulation/emulation.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/runtime/check.h"
#include "kernels/runtime/pass.h"
#include "tests/emulation/cuda_runtime.h"
#include "tests/emulation/fiber.h"

namespace temper::emulation {

namespace {

/// Where some threads meet. Threads of two neighbouring generations can be inside at once, so that what a generation
/// leaves behind (tags, values) is kept apart by its parity.
struct Meeting {
  int64_t generation = 0;
  unsigned arrived = 0;  // how many, or which lanes
  char tag[2] = {};
};

/// The lanes of a warp under one mask.
struct WarpMeeting : Meeting {
  unsigned mask = 0;
  uint64_t value[2][32] = {};
};

struct Thread {
  explicit Thread(void (*entry)()) : fiber(entry) {}
  Fiber fiber;
  unsigned number = 0;
  uint3 index{};
  bool idle = true;
  const Meeting* waits_for = nullptr;
  int64_t generation = 0;
  Where where;
};

std::string text(const Where& w) { return cat(w.file_name(), ":", w.line()); }

class Block {
 public:
  void run(Extent3 grid, Extent3 block, size_t shared_bytes, void (*body)(const void*), const void* context);

  void barrier(Where where);
  uint64_t exchange(unsigned mask, uint64_t value, unsigned source, Where where);
  unsigned ballot(unsigned mask, int predicate, Where where);
  unsigned lane() const { return current_->number % 32; }
  void* dynamic_shared() { return shared_.get(); }

  uint32_t seed = 0;

 private:
  static void entry();
  void run_block();
  Thread& next_fiber();
  void resume(Thread& t);
  void take_threads();
  void finish_thread();
  WarpMeeting& warp_meeting(unsigned mask, Where where);
  void open(Meeting& m);
  void wait(const Meeting& m, int64_t generation, Where where);
  [[noreturn]] void fail_waiting();
  std::vector<unsigned> shuffled(unsigned n);

  void (*body_)(const void*) = nullptr;
  const void* context_ = nullptr;
  Extent3 block_;
  std::unique_ptr<unsigned char[]> shared_;  // of exactly its size, whose ends AddressSanitizer guards
  size_t shared_bytes_ = 0;
  unsigned threads_ = 0, started_ = 0, finished_ = 0, fibers_ = 0;  // of the block that runs
  std::vector<unsigned> order_;
  std::vector<std::unique_ptr<Thread>> pool_;
  Fiber scheduler_;
  Thread* current_ = nullptr;
  Meeting barrier_;
  Where barrier_where_;
  std::vector<std::deque<WarpMeeting>> warps_;
  char start_ = 0, end_ = 0;
  uint32_t random_ = 0;
  std::string error_;
};

Block& device() {
  static Block block;
  return block;
}

std::vector<unsigned> Block::shuffled(unsigned n) {
  std::vector<unsigned> order(n);
  std::iota(order.begin(), order.end(), 0u);
  if (seed == 0) return order;
  for (unsigned i = n; i > 1; --i) {
    random_ = random_ * 1664525u + 1013904223u;
    std::swap(order[i - 1], order[(random_ >> 8) % i]);
  }
  return order;
}

struct Emulating {
  Emulating() { emulates_device = true; }
  ~Emulating() { emulates_device = false; }
};

void Block::run(Extent3 grid, Extent3 block, size_t shared_bytes, void (*body)(const void*), const void* context) {
  TEMPER_CHECK(block.count() > 0 && block.count() <= 1024 && grid.count() > 0,
               "emulation: a launch needs blocks of 1 to 1024 threads, got ", block.count(), " threads, ", grid.count(),
               " blocks");
  body_ = body;
  context_ = context;
  block_ = block;
  threads_ = block.count();
  shared_ = std::make_unique<unsigned char[]>(shared_bytes);
  shared_bytes_ = shared_bytes;
  random_ = seed;
  gridDim = grid;
  blockDim = block;
  const Emulating emulating;
  for (const unsigned b : shuffled(grid.count())) {
    blockIdx = {b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y};
    run_block();
  }
}

void Block::run_block() {
  started_ = finished_ = fibers_ = 0;
  barrier_ = {};
  warps_.clear();
  order_ = shuffled(threads_);
  std::fill_n(shared_.get(), shared_bytes_, static_cast<unsigned char>(0xff));
  publish(&start_);
  while (started_ < threads_ && error_.empty()) resume(next_fiber());
  for (bool moved = true; finished_ < threads_ && error_.empty();) {
    if (!moved) fail_waiting();
    moved = false;
    for (const unsigned i : shuffled(fibers_)) {
      Thread& t = *pool_[i];
      if (t.idle || (t.waits_for && t.waits_for->generation == t.generation)) continue;
      resume(t);
      moved = true;
    }
  }
  observe(&end_);
  if (error_.empty()) return;
  pool_.clear();  // threads in the middle of something
  std::string text;
  std::swap(text, error_);
  fail(text);
}

// A fiber whose thread has ended takes the next one: a kernel without barriers needs one fiber. ThreadSanitizer knows
// threads by their fibers, so there each thread of a block has its own.
Thread& Block::next_fiber() {
  if (fibers_ == pool_.size()) pool_.push_back(std::make_unique<Thread>(entry));
  return *pool_[fibers_++];
}

void Block::resume(Thread& t) {
  current_ = &t;
  threadIdx = t.index;
  scheduler_.switch_to(t.fiber);
}

void Block::entry() {
  Fiber::arrived();
  Block& b = device();
  Thread* const me = b.current_;
  for (;;) {
    b.take_threads();
    me->idle = true;
    me->fiber.switch_to(b.scheduler_);
  }
}

void Block::take_threads() {
  Thread& me = *current_;
  me.idle = false;
  do {
    me.number = order_[started_++];
    me.index = {me.number % block_.x, me.number / block_.x % block_.y, me.number / block_.x / block_.y};
    threadIdx = me.index;
    observe(&start_);
    try {
      body_(context_);
    } catch (const std::exception& e) {
      error_ = e.what();
    }
    publish(&end_);
    finish_thread();
  } while (!kTsan && started_ < threads_ && error_.empty());
}

void Block::open(Meeting& m) {
  m.arrived = 0;
  ++m.generation;
}

// A thread that has ended no longer counts for barriers, as on a GPU.
void Block::finish_thread() {
  ++finished_;
  if (barrier_.arrived > 0 && barrier_.arrived == threads_ - finished_) open(barrier_);
}

void Block::wait(const Meeting& m, int64_t generation, Where where) {
  Thread& me = *current_;
  me.waits_for = &m;
  me.generation = generation;
  me.where = where;
  publish(&end_);  // in case nobody ever wakes it
  while (m.generation == generation) me.fiber.switch_to(scheduler_);
  me.waits_for = nullptr;
}

void Block::barrier(Where where) {
  const int64_t g = barrier_.generation;
  if (barrier_.arrived == 0) barrier_where_ = where;
  if (barrier_where_.line() != where.line() || std::strcmp(barrier_where_.file_name(), where.file_name()) != 0)
    fail("emulation: threads of one block meet at different barriers, ", text(barrier_where_), " and ", text(where));
  publish(&barrier_.tag[g & 1]);
  if (++barrier_.arrived == threads_ - finished_)
    open(barrier_);
  else
    wait(barrier_, g, where);
  observe(&barrier_.tag[g & 1]);
}

WarpMeeting& Block::warp_meeting(unsigned mask, Where where) {
  const unsigned first = current_->number / 32 * 32, lanes = std::min(32u, threads_ - first);
  if (lanes < 32) mask &= (1u << lanes) - 1;
  if (!(mask >> lane() & 1)) fail("emulation: lane ", lane(), " is not in the mask it gives at ", text(where));
  if (warps_.empty()) warps_.resize((threads_ + 31) / 32);
  std::deque<WarpMeeting>& meetings = warps_[current_->number / 32];
  for (WarpMeeting& m : meetings)
    if (m.mask == mask) return m;
  meetings.emplace_back().mask = mask;
  return meetings.back();
}

uint64_t Block::exchange(unsigned mask, uint64_t value, unsigned source, Where where) {
  WarpMeeting& m = warp_meeting(mask, where);
  const int64_t g = m.generation;
  m.value[g & 1][lane()] = value;
  publish(&m.tag[g & 1]);
  m.arrived |= 1u << lane();
  if (m.arrived == m.mask)
    open(m);
  else
    wait(m, g, where);
  observe(&m.tag[g & 1]);
  return source < 32 && m.mask >> source & 1 ? m.value[g & 1][source] : value;
}

unsigned Block::ballot(unsigned mask, int predicate, Where where) {
  WarpMeeting& m = warp_meeting(mask, where);
  const int64_t g = m.generation;
  exchange(mask, predicate != 0, lane(), where);
  unsigned bits = 0;
  for (unsigned i = 0; i < 32; ++i)
    if (m.mask >> i & 1 && m.value[g & 1][i]) bits |= 1u << i;
  return bits;
}

void Block::fail_waiting() {
  std::string waiting;
  int named = 0;
  for (const auto& t : pool_)
    if (!t->idle && named++ < 4) waiting += cat(named > 1 ? ", " : "", "thread ", t->number, " at ", text(t->where));
  const uint3 b = blockIdx;
  observe(&end_);
  pool_.clear();
  fail("emulation: ", threads_ - finished_, " of ", threads_, " threads of block (", b.x, ", ", b.y, ", ", b.z,
       ") wait forever: ", waiting, named > 4 ? ", ..." : "");
}

}  // namespace

void set_schedule(uint32_t seed) { device().seed = seed; }
void run(Extent3 grid, Extent3 block, size_t shared_bytes, void (*body)(const void*), const void* context) {
  device().run(grid, block, shared_bytes, body, context);
}
void barrier(Where where) { device().barrier(where); }
uint64_t exchange(unsigned mask, uint64_t value, unsigned source, Where where) {
  return device().exchange(mask, value, source, where);
}
unsigned ballot(unsigned mask, int predicate, Where where) { return device().ballot(mask, predicate, where); }
unsigned lane() { return device().lane(); }
void* dynamic_shared() { return device().dynamic_shared(); }

}  // namespace temper::emulation
