#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "bench/suite.h"
#include "core/convolution/conv.h"
#include "kernels/runtime/device_array.h"

namespace temper::bench {

/// Which convolution of a layer is run. forward is the one of an attack: BatchNorm folded into the filter, ReLU in the
/// epilogue. masked is the data gradient with the backward of the ReLU before the layer; masked_residual adds the
/// gradient of another branch first.
enum class Direction : uint8_t { forward, data, masked, masked_residual, filter };

/// One convolution to be timed, with as many sets of data as are needed for no run to find its data in a cache.
class ConvWork {
 public:
  /// Throws Error unless the call that is timed agrees with the reference convolution: on the first and the last image
  /// or, for the filter's gradient, with all other images set to zero.
  ConvWork(Engine& engine, const ConvShape& g, Direction direction, DType dtype);
  ~ConvWork();
  /// Makes the same calls in a planning pass, which notes their plans (core/plans/plan_ahead.h). Throws what the
  /// constructor would throw.
  static void note(Engine& engine, const ConvShape& g, Direction direction, DType dtype);

  int sets() const;
  void run(int set);
  /// The same by a plain convolution followed by Temper's kernels. The filter's gradient has no unfused form.
  void run_unfused(int set);
  const char* unfused_name() const;

 private:
  struct Operands;
  enum class Only : uint8_t { memory };

  /// One set, uninitialised.
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
