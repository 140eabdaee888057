#pragma once
// oneDNN for one thread of an engine. Every call runs on the calling thread alone, whatever OpenMP's settings; the
// caller splits a convolution over samples.
#include <array>
#include <dnnl.hpp>

#include "core/convolution/plan_onednn.h"
#include "core/lru.h"
#include "core/memory/workspace.h"

namespace temper::onednn {

/// A scope in which OpenMP uses only the calling thread. Other threads are not affected.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;

 private:
  int before_;
};

/// An argument list for oneDNN, without the std::map that its C++ interface builds for every call.
class Arguments {
 public:
  void add(int arg, const dnnl::memory& m) { list_[count_++] = {arg, m.get()}; }
  void run(const dnnl::primitive& primitive, const dnnl::stream& stream) const;

 private:
  std::array<dnnl_exec_arg_t, 6> list_;
  int count_ = 0;
};

/// The plans and work space of a thread.
class Thread {
 public:
  /// The plan of a key. The first call for a key builds its primitive.
  Plan& plan(const PlanKey& key);
  /// Runs a plan whose pointers are set, with its scratch memory.
  void execute(Plan& plan, Arguments& args);
  /// dw [+]= `sums`, the result of a filter gradient's plan in the primitive's layout.
  void unpack(Plan& plan, float* sums, float* dw);
  /// Memory for the caller, valid until the next call.
  char* room(size_t bytes) { return room_.reserve<char>(bytes + 1); }
  ConvStats stats() const {
    return {.primitives_created = made_, .allocations = scratch_.allocations() + room_.allocations()};
  }
  const dnnl::engine& engine() const { return engine_; }

 private:
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  Lru<PlanKey, Plan> plans_{1024};
  int64_t made_ = 0;
  Workspace scratch_, room_;
};

}  // namespace temper::onednn
