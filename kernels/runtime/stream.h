#pragma once
#include <cstddef>
#include <cstdint>
#include <ostream>

namespace temper {

class RangeLog;
class Capture;

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
};

}  // namespace temper
