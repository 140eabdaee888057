#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "bench/suite.h"
#include "core/convolution/conv.h"
#include "kernels/runtime/device_array.h"

namespace temper::bench {

/// What of a layer is run. Forward is what an attack runs: BatchNorm folded into the filter, ReLU in the epilogue; the
/// masked data gradients take the gradient of the ReLU before the layer along, the last one added to another branch's.
enum class Direction : uint8_t { forward, data, masked, masked_residual, filter };

/// One convolution on its way to be timed, its data in as many sets as it takes for none to be found in a cache.
class ConvWork {
 public:
  /// Throws Error unless the result of the very call that is timed agrees with the reference convolution: in the first
  /// and the last image or, for the filter's gradient, with all other images cleared.
  ConvWork(Engine& engine, const ConvShape& g, Direction direction, DType dtype);
  ~ConvWork();
  /// Goes through what such a work runs, for its plans to be noted (core/plans/plan_ahead.h); what it throws it would
  /// throw then.
  static void note(Engine& engine, const ConvShape& g, Direction direction, DType dtype);

  int sets() const;
  void run(int set);
  /// The same by a convolution alone and kernels of our own behind it; the filter's gradient has no such thing.
  void run_unfused(int set);
  const char* unfused_name() const;

 private:
  struct Operands;
  enum class Only : uint8_t { memory };

  /// One set, with nothing in it.
  ConvWork(Engine& engine, const ConvShape& g, Direction direction, DType dtype, Only);
  void do_pass(ConvBackend& conv, Stream stream, const ConvShape& g, const Operands& o) const;
  const Tensor& result(const Operands& o) const;
  std::vector<float> ends(const Tensor& t) const;
  void start(const Operands& o) const;
  std::vector<float> reference() const;
  void check(const char* what, const std::vector<float>& want) const;

  Engine& engine_;
  ConvShape g_;
  Direction direction_;
  DType dtype_;
  std::vector<std::unique_ptr<Operands>> sets_;
};

}  // namespace temper::bench
