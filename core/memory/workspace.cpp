#include "core/memory/workspace.h"

#include "kernels/runtime/memory.h"

namespace temper {

Workspace::~Workspace() { release(Device::cpu, data_, size_); }

char* Workspace::reserve(size_t bytes) {
  if (bytes > size_) {
    release(Device::cpu, data_, size_);
    data_ = static_cast<char*>(allocate(Device::cpu, bytes));
    size_ = bytes;
    ++allocations_;
  }
  return data_;
}

}  // namespace temper
