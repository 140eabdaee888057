#pragma once
// Thread blocks on a CPU: runs __global__ functions compiled as plain C++ with one fiber per CUDA thread, so that
// barriers, shuffles and shared memory mean what they mean on a GPU. Under AddressSanitizer a kernel's stray accesses
// are reported at its own line; under ThreadSanitizer every CUDA thread is a thread of its own, ordered with the others
// by barriers and warp operations alone, which makes a missing barrier a reported race.
//
// Blocks run one after another: races between blocks go unseen, and so does what static shared memory holds before it
// is written; dynamic shared memory begins as NaN. Nothing is said about speed, occupancy, or the GPU's rounding and
// fused operations.
#include <cstddef>
#include <cstdint>
#include <source_location>

namespace temper::emulation {

struct Extent3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr Extent3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  unsigned count() const { return x * y * z; }
};
struct Index3 {
  unsigned x, y, z;
};

/// The order in which threads and blocks run: 0 by number, anything else the seed of a shuffle, which changes whenever
/// threads wait. A kernel without a race gives the same bits for all orders.
void set_schedule(uint32_t seed);

/// Runs body(context) once for every thread of every block, each with `shared_bytes` of dynamic shared memory. Throws
/// Error when threads of a block wait for each other forever (a barrier or a warp operation that not all of its threads
/// reach), meet at different barriers, or name a warp mask they are not in; the text says where they wait.
void run(Extent3 grid, Extent3 block, size_t shared_bytes, void (*body)(const void*), const void* context);

template <class F>
void run(Extent3 grid, Extent3 block, size_t shared_bytes, const F& body) {
  run(
      grid, block, shared_bytes, [](const void* f) { (*static_cast<const F*>(f))(); }, &body);
}

// For the thread that is running:
using Where = std::source_location;
void barrier(Where where);
/// All lanes of `mask` meet; each provides `value` and receives the one of `source` (its own if `source` is not in
/// mask).
uint64_t exchange(unsigned mask, uint64_t value, unsigned source, Where where);
/// The lanes of `mask`, of those of the warp that exist, whose predicate is not 0.
unsigned ballot(unsigned mask, int predicate, Where where);
unsigned lane();
void* dynamic_shared();

}  // namespace temper::emulation
