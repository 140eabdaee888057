#pragma once
// How a thread sees the arrays of map() and of a row: several neighbouring elements at once, as wide as a GPU's access
// to memory.
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels/runtime/api.h"
#include "kernels/runtime/hd.h"

namespace TEMPER_API temper {

/// An argument of map() or Row::each() that is written and never read.
template <class T>
struct WriteOnly {
  T* data;
};
template <class T>
TEMPER_HD WriteOnly<T> write(T* data) {
  return {data};
}

namespace detail {

/// Bytes of one memory access of a GPU, and the most that one thread holds.
inline constexpr int kAccess = 16, kHeld = 128;

template <int W, class T>
inline constexpr int kPackAlignment = int(sizeof(T)) * W < kAccess ? int(sizeof(T)) * W : kAccess;

template <int W, class T>
struct alignas(kPackAlignment<W, T>) Pack {
  T v[W];
  TEMPER_HD const T& operator[](int k) const { return v[k]; }
};

/// Stores a pack in as few accesses as there can be; nvcc would split a plain assignment into the members.
template <class P>
TEMPER_HD void store_pack(P* to, const P& from) {
#if defined(__CUDA_ARCH__)
  using Word = std::conditional_t<sizeof(P) % 16 == 0, uint4, std::conditional_t<sizeof(P) % 8 == 0, uint2, unsigned>>;
  if constexpr (alignof(P) >= sizeof(Word)) {
    Word words[sizeof(P) / sizeof(Word)];
    memcpy(words, &from, sizeof(P));
#pragma unroll
    for (int k = 0; k < int(sizeof(P) / sizeof(Word)); ++k) __stwb(reinterpret_cast<Word*>(to) + k, words[k]);
    return;
  }
#endif
  *to = from;
}

template <int W, class T>
TEMPER_HD Pack<W, T> load_pack(const T* p) {
  return *reinterpret_cast<const Pack<W, T>*>(p);
}
template <int W, class T>
TEMPER_HD void store_pack(T* p, const Pack<W, T>& from) {
  store_pack(reinterpret_cast<Pack<W, T>*>(p), from);
}
/// Whether W elements can be read at once from where each array starts.
template <int W, class... T>
TEMPER_HD bool aligned(const T*... p) {
  return ((reinterpret_cast<uintptr_t>(p) % kPackAlignment<W, T> == 0) && ...);
}

// How an array is seen by one thread: `load` before the body, `at` inside it, `store` after it.
template <int W, class T>
struct ReadWrite {
  T* data;
  Pack<W, T> pack;
  TEMPER_HD void load(int64_t i) { pack = load_pack<W>(data + i); }
  TEMPER_HD void store(int64_t i) { store_pack<W>(data + i, pack); }
  TEMPER_HD T& at(int k) { return pack.v[k]; }
  TEMPER_HD T& element(int64_t i) { return data[i]; }
};
template <int W, class T>
struct Read {
  const T* data;
  Pack<W, T> pack;
  TEMPER_HD void load(int64_t i) { pack = load_pack<W>(data + i); }
  TEMPER_HD void store(int64_t) {}
  TEMPER_HD const T& at(int k) { return pack.v[k]; }
  TEMPER_HD const T& element(int64_t i) { return data[i]; }
};
template <int W, class T>
struct Write : ReadWrite<W, T> {
  TEMPER_HD void load(int64_t) {}
};

template <int W, class T>
TEMPER_HD ReadWrite<W, T> access(T* p) {
  return {p, {}};
}
template <int W, class T>
TEMPER_HD Read<W, T> access(const T* p) {
  return {p, {}};
}
template <int W, class T>
TEMPER_HD Write<W, T> access(WriteOnly<T> p) {
  return {{p.data, {}}};
}

/// Elements per thread: as many as the narrowest type has in one access, unless all arrays together would take too many
/// registers. Without arrays a thread has one element.
template <class... T>
constexpr int map_width() {
  if constexpr (sizeof...(T) == 0) {
    return 1;
  } else {
    int width = 1;
    ((width = kAccess / int(sizeof(T)) > width ? kAccess / int(sizeof(T)) : width), ...);
    while (width > 1 && width * int((sizeof(T) + ...)) > kHeld) width /= 2;
    return width;
  }
}

template <class T>
TEMPER_HD T* pointer(T* p) {
  return p;
}
template <class T>
TEMPER_HD T* pointer(WriteOnly<T> p) {
  return p.data;
}

/// map_width() of arrays as they are passed.
template <class... Arrays>
constexpr int width_of() {
  return map_width<std::remove_cvref_t<decltype(*pointer(std::declval<Arrays>()))>...>();
}

}  // namespace detail

}  // namespace temper
