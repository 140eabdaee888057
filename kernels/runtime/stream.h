#pragma once
#include <cstddef>
#include <cstdint>
#include <ostream>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

class RangeLog;
class Capture;
class Team;

enum class Device : uint8_t { cpu, cuda };
inline const char* name(Device d) { return d == Device::cpu ? "cpu" : "cuda"; }
inline std::ostream& operator<<(std::ostream& out, Device d) { return out << name(d); }

/// Where, and in which order, work runs. Passed by value to every launcher; never a global.
struct Stream {
  Device device = Device::cpu;
  void* handle = nullptr;      ///< cudaStream_t on CUDA
  void* blas = nullptr;        ///< on CUDA, the matrix library bound to this stream; made by Engine
  RangeLog* ranges = nullptr;  ///< where named ranges are timed; none: nowhere
  Capture* capture = nullptr;  ///< whether work is being recorded; none: it never is
  Team* team = nullptr;        ///< on the CPU, the threads that share a loop; none: the calling one alone
  int worker = 0;              ///< which thread of an engine works here: what is kept for each is told apart by it
};

}  // namespace temper
