#pragma once
// A kernel's claims. NAME_cases.cpp registers cases; tests run every case on every device against its reference, and
// the benchmarks time the same cases. Nothing else about a kernel is listed anywhere.
#include <algorithm>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/runtime/check.h"
#include "kernels/runtime/dtype.h"
#include "kernels/runtime/known_op.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// `scratch` is written, but its contents do not matter.
enum class Role : uint8_t { in, out, inout, scratch };

/// One array a case works on. Inputs are drawn uniformly from [lo, hi] (whole numbers for integer types).
struct CaseArray {
  std::string name;
  Role role = Role::in;
  DType dtype = DType::f32;
  int64_t n = 0;
  double lo = -1, hi = 1;
};

/// The device pointers of a case's arrays, in the order they were declared.
class CaseArgs {
 public:
  explicit CaseArgs(std::vector<void*> data) : data_(std::move(data)) {}
  template <class T>
  T* get(size_t i) const {
    return static_cast<T*>(data_.at(i));
  }

 private:
  std::vector<void*> data_;
};

/// The code of a case: runs on its arrays.
using CaseBody = std::function<void(Stream, const CaseArgs&)>;

/// A property in which the cases of a kernel differ, with its value: variant, type, extent, block size. Benchmarks
/// select cases by axes: --axis n=1000.
struct CaseAxis {
  std::string name, value;
  std::string label;  ///< the axis's part of a case's name: "n=33" of a number, "f32" of anything else

  template <class V>
  CaseAxis(std::string axis, const V& v)
      : name(std::move(axis)), value(cat(v)), label(std::is_arithmetic_v<V> ? cat(name, "=", value) : value) {}
};

/// test: run by tests, and by benchmarks if a kernel has no larger case; network: run, and checked, by benchmarks only.
enum class CaseSize : uint8_t { test, network };

struct KernelCase {
  std::string kernel;     ///< the folder's name
  std::string name = {};  ///< unique within the kernel, e.g. "linf/f32/n=33"; empty: the labels of all axes
  std::vector<CaseAxis> axes = {};
  CaseSize size = CaseSize::test;
  std::vector<CaseArray> arrays;
  CaseBody run;
  /// Plain loops in double over host copies of the arrays; writes what `run` should have written.
  std::function<void(std::vector<std::vector<double>>&)> reference;
  /// |got - want| <= tolerance * max(1, |want|) for every element of every out and inout array.
  double tolerance = 1e-6;
  double bytes = 0, flops = 0;  ///< moved and computed by one run, for the benchmarks; both 0: not timed
  /// The same result by separate kernels, for comparison in benchmarks; empty: there is nothing to compare.
  CaseBody unfused = {};
  std::string unfused_name = {};
  /// What earlier steps would have left in scratch arrays, for `run` and `unfused`: called before them, not timed.
  CaseBody setup = {};
  /// One of known_op.h, if the case is nothing but that operation: benchmarks compare it with libraries.
  KnownOp known = {};
  std::vector<Device> devices = {Device::cpu, Device::cuda};  ///< where the kernel runs
};

inline bool runs_on(const KernelCase& c, Device device) {
  return std::find(c.devices.begin(), c.devices.end(), device) != c.devices.end();
}
inline bool is_timed(const KernelCase& c) { return c.bytes > 0 || c.flops > 0; }

/// What only some of a kernel's cases have. GCC 12 destroys what `has ? body : CaseBody()` yields among designated
/// initialisers, while it is in use.
inline CaseBody if_any(bool has, CaseBody body) { return has ? std::move(body) : CaseBody(); }
inline KnownOp known_if(bool is, KnownOp op) { return is ? std::move(op) : KnownOp(); }

std::vector<KernelCase>& kernel_cases();

/// For static registration: `static const bool registered = add_case({...});`
bool add_case(KernelCase c);

/// Runs `add` before main: `static const CaseGroup group([] { for (...) add_case({...}); });`
struct CaseGroup {
  template <class F>
  explicit CaseGroup(F add) {
    add();
  }
};

/// Element counts every per-element kernel is tried on: nothing, one, around a warp, odd, and enough for two threads.
inline const std::vector<int64_t> kCaseSizes = {0, 1, 31, 33, 1000, 40001};

// Sizes for the benchmarks: a batch of CIFAR-10 images, ResNet-18's parameters, and the pixels and channels of 64
// images behind the first and the last stage of ResNet-18 and the first of WRN-34-10.
inline constexpr int64_t kImages = 128, kImageElements = 32 * 32 * 3, kParameters = 11173962;
inline const std::vector<std::pair<int64_t, int>> kActivations = {
    {64 * 32 * 32, 64}, {64 * 4 * 4, 512}, {64 * 32 * 32, 160}};
inline constexpr int64_t kActivationElements = int64_t{64} * 32 * 32 * 64;

/// kCaseSizes, and one for the benchmarks.
inline std::vector<int64_t> case_sizes(int64_t large) {
  std::vector<int64_t> sizes = kCaseSizes;
  sizes.push_back(large);
  return sizes;
}
/// The size of a case with `n` of something, of which a network's layer has `network`.
constexpr CaseSize size_of_case(int64_t n, int64_t network) { return n < network ? CaseSize::test : CaseSize::network; }

}  // namespace temper
