#include "tests/emulation/fiber.h"

#include <sys/mman.h>

#include <cstdlib>

#include "kernels/runtime/check.h"
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(TEMPER_EMULATION_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace temper::emulation {

namespace {
constexpr size_t kStack = size_t{256} << 10;
Fiber* left = nullptr;  // whoever switched last
}  // namespace

Fiber::Fiber() {
#if defined(TEMPER_EMULATION_TSAN)
  tsan_ = __tsan_get_current_fiber();
#endif
}

Fiber::Fiber(void (*entry)()) : started_(false), size_(kStack) {
  bottom_ = stack_ = mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  TEMPER_CHECK(stack_ != MAP_FAILED, "emulation: no memory for the stack of a thread");
  getcontext(&start_);
  start_.uc_stack.ss_sp = stack_;
  start_.uc_stack.ss_size = kStack;
  makecontext(&start_, entry, 0);
#if defined(TEMPER_EMULATION_TSAN)
  tsan_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
  if (!stack_) return;
  munmap(stack_, kStack);
#if defined(TEMPER_EMULATION_TSAN)
  __tsan_destroy_fiber(tsan_);
#endif
}

// Never inlined: a jump may not end in the function it begins in.
__attribute__((noinline)) void Fiber::enter(Fiber& to) {
  if (to.started_) __builtin_longjmp(to.jump_, 1);
  to.started_ = true;
  setcontext(&to.start_);
  std::abort();
}

void Fiber::switch_to(Fiber& to) {
#if defined(TEMPER_EMULATION_TSAN)
  __tsan_switch_to_fiber(to.tsan_, __tsan_switch_to_fiber_no_sync);
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&asan_, to.bottom_, to.size_);
#endif
  left = this;
  if (__builtin_setjmp(jump_) == 0) enter(to);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(asan_, nullptr, nullptr);
#endif
}

void Fiber::arrived() {
#if defined(__SANITIZE_ADDRESS__)
  const void* bottom = nullptr;
  size_t size = 0;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &size);
  left->bottom_ = bottom;
  left->size_ = size;
#endif
}

void publish([[maybe_unused]] char* tag) {
#if defined(TEMPER_EMULATION_TSAN)
  __tsan_release(tag);
#endif
}
void observe([[maybe_unused]] char* tag) {
#if defined(TEMPER_EMULATION_TSAN)
  __tsan_acquire(tag);
#endif
}

}  // namespace temper::emulation
