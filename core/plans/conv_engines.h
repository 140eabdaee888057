#pragma once
// A library of convolution engines, seen as plans: what the planned convolution (core/plans/conv_planned.h) runs on.
// cuDNN is one; tests bring others.
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

/// A ready way to compute a key, always with the same result to the last bit.
class ConvPlan {
 public:
  virtual ~ConvPlan() = default;
  /// The engine behind it, the same for all its plans of a kind of key: "e12".
  virtual std::string engine() const = 0;
  /// Whether its code is compiled at run time.
  virtual bool compiled() const = 0;
  virtual int64_t workspace() const = 0;  ///< bytes
  /// Runs in stream order. `bindings` name every array of the key; `scratch` has workspace() bytes, 256-byte aligned.
  virtual void execute(Stream stream, const ConvBindings& bindings, void* scratch) const = 0;
  /// What ConvEngines::load() makes the plan of again. Throws Error where the engine has no such form.
  virtual std::string text() const = 0;
};

struct ConvSearch {
  int64_t workspace = 0;                  ///< the most bytes a plan may take
  size_t most = 1;                        ///< plans
  std::vector<std::string> without = {};  ///< engines that are not to be taken
};

class ConvEngines {
 public:
  virtual ~ConvEngines() = default;
  virtual const char* name() const = 0;
  /// Library and device, with their versions: part of the name of every plan that is kept.
  virtual PlanSource source() const = 0;
  /// The library's plans that repeat bit for bit and do not round more than the key says, best first; none is an
  /// answer. Those refused are counted. May be called from several threads at once, as load() may.
  virtual std::vector<std::unique_ptr<ConvPlan>> find(const ConvKey& key, const ConvSearch& search,
                                                      PlanRefusals& refusals) = 0;
  /// A plan of the key from its text. Throws Error when the library does not take it.
  virtual std::unique_ptr<ConvPlan> load(const ConvKey& key, const std::string& text) = 0;
  /// Seconds that the device needs for `work`, which asks `stream` alone for things and may be done several times.
  virtual double seconds(Stream stream, const std::function<void()>& work) = 0;
  /// What is worth telling a person about the library.
  virtual std::vector<std::string> notes() const { return {}; }
};

/// The convolutions of this build's CUDA back end on the current device: cuDNN.
std::unique_ptr<ConvEngines> make_cuda_engines();
/// What belongs to them in a description of the machine, by name: libraries with their versions and paths, say.
std::vector<std::pair<std::string, std::string>> cuda_engine_facts();

}  // namespace temper
