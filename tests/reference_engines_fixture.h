#pragma once
// A library of convolution engines for tests: every one computes with the reference convolution, and some wrongly.
#include <atomic>
#include <functional>

#include "core/plans/conv_engines.h"

namespace temper::test {

/// What an engine does wrongly.
enum class Fault : uint8_t {
  none,
  one_element,           ///< the last element of its result is off by its own size and 1
  passes_at_zero,        ///< a gradient where the mask is exactly 0
  forgets_residual,      ///< as if there were no residual
  forgets_what_is_there  ///< as if it were not to add
};

struct ReferenceEngine {
  std::string name = "reference";
  std::function<bool(const ConvKey&)> takes = {};  ///< empty: every key
  bool compiled = false;
  int64_t workspace = 0;  ///< bytes, all of which it writes
  bool as_text = true;    ///< whether its plans have a text
  Fault fault = Fault::none;
  double seconds = 1;  ///< what its runs are said to take
};

/// Whether a key is a convolution with nothing fused to it: what a library always has.
bool plain(const ConvKey& key);

/// What was asked of the engines, from all threads.
struct EnginesLog {
  std::atomic<int> found = 0, loaded = 0, executed = 0;
  std::atomic<int> at_once = 0, most_at_once = 0;  ///< threads in find() and load()
};

struct ReferenceEnginesOptions {
  std::vector<ReferenceEngine> engines = {{}};  ///< best first
  EnginesLog* log = nullptr;
  int slow_ms = 0;  ///< how long find() and load() take
};

std::unique_ptr<ConvEngines> make_reference_engines(ReferenceEnginesOptions options = {});

/// Computes a key on arrays of the CPU, in f32 from operands as they are stored (tf32: rounded to 10 bits); the result
/// is rounded once.
void compute_reference(const ConvKey& key, const ConvBindings& bindings, Fault fault = Fault::none);

}  // namespace temper::test
