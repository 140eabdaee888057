#pragma once
// The interface of a library of convolution engines, which planned convolutions (core/plans/conv_planned.h) use. cuDNN
// is one; tests have others.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/plans/conv_arrays.h"

namespace temper {

struct ConvBinding {
  int64_t id;  ///< of conv_id
  void* data;
};
using ConvBindings = std::vector<ConvBinding>;

/// One way to compute a convolution, deterministic bit for bit.
class ConvPlan {
 public:
  virtual ~ConvPlan() = default;
  /// The name of its engine, the same for all plans of that engine: "e12".
  virtual std::string engine() const = 0;
  /// Whether its code is compiled at run time.
  virtual bool compiled() const = 0;
  virtual int64_t workspace() const = 0;  ///< bytes
  /// Runs in stream order. `bindings` name every array of the key; `scratch` has workspace() bytes, 256-byte aligned.
  virtual void execute(Stream stream, const ConvBindings& bindings, void* scratch) const = 0;
  /// The plan as text, for ConvEngines::load(). Throws Error if the engine cannot be serialised.
  virtual std::string text() const = 0;
};

struct ConvSearch {
  int64_t workspace = 0;                  ///< limit on the work space of a plan, in bytes
  size_t most = 1;                        ///< maximal number of plans
  std::vector<std::string> without = {};  ///< engines that must not be used
};

class ConvEngines {
 public:
  virtual ~ConvEngines() = default;
  virtual const char* name() const = 0;
  /// Library and device, with their versions: part of the name of every stored plan.
  virtual PlanSource source() const = 0;
  /// The library's plans that are deterministic and as precise as the key demands, best first; may be empty. Counts the
  /// refused ones. Thread-safe, as load() is.
  virtual std::vector<std::unique_ptr<ConvPlan>> find(const ConvKey& key, const ConvSearch& search,
                                                      PlanRefusals& refusals) = 0;
  /// A plan of the key from its text. Throws Error if the library does not accept it.
  virtual std::unique_ptr<ConvPlan> load(const ConvKey& key, const std::string& text) = 0;
  /// The time that the device needs for `work`, in seconds. `work` must use only `stream`, and may be run several
  /// times.
  virtual double seconds(Stream stream, const std::function<void()>& work) = 0;
  /// Notes for the user about the library.
  virtual std::vector<std::string> notes() const { return {}; }
};

/// The convolutions of this build's CUDA back end on the current device: cuDNN.
std::unique_ptr<ConvEngines> make_cuda_engines();
/// Facts about them for a description of the machine, by name, such as libraries with versions and paths.
std::vector<std::pair<std::string, std::string>> cuda_engine_facts();

}  // namespace temper
