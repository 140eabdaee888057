#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "kernels/runtime/dtype.h"

namespace temper::bench {

struct StepOptions {
  enum class Method { standard, pgd_at, trades };
  std::string model = "resnet18";
  Method method = Method::pgd_at;
  DType compute = DType::f32;
  int batch = 64;
  int attack_steps = 10;
  int threads = 0;  ///< 0: what OpenMP would use
  int repeat = 5;
};

const char* name(StepOptions::Method method);

/// Times whole training steps on random images of CIFAR-10's shape: attack with running BatchNorm statistics and
/// gradients with respect to the images alone (radius 8/255, steps of 2/255, uniform start), forward with batch
/// statistics, backward with respect to the parameters alone, SGD with momentum. One step warms up, `repeat` are timed.
/// Images per second (median, least, most), median seconds of the four parts and of the processor (which, with one
/// thread, a busy machine hardly changes), peak memory, and what it ran on.
nlohmann::ordered_json time_steps(const StepOptions& options);

}  // namespace temper::bench
