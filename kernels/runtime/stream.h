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

/// The device and the order in which work runs. Passed by value to every launcher; there is no global stream.
struct Stream {
  Device device = Device::cpu;
  void* handle = nullptr;      ///< cudaStream_t on CUDA
  void* blas = nullptr;        ///< on CUDA, the matrix library bound to this stream; made by Engine
  RangeLog* ranges = nullptr;  ///< times named ranges; may be null
  Capture* capture = nullptr;  ///< captures and planning passes; null: there are none
  Team* team = nullptr;        ///< on the CPU, the threads that share a loop; null: the calling thread alone
  int worker = 0;              ///< number of the worker of an engine, for data kept per thread
};

}  // namespace temper
