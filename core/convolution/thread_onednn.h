#pragma once
// oneDNN as one thread of an engine uses it. It divides no work: a convolution is cut over samples by whoever calls,
// and every call runs on the calling thread alone, whatever OpenMP would give.
#include <array>
#include <dnnl.hpp>

#include "core/convolution/plan_onednn.h"
#include "core/lru.h"
#include "core/memory/workspace.h"

namespace temper::onednn {

/// A scope in which OpenMP gives the calling thread no others. Other threads do not notice.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;

 private:
  int before_;
};

/// oneDNN's argument list without its per-call map.
class Arguments {
 public:
  void add(int arg, const dnnl::memory& m) { list_[count_++] = {arg, m.get()}; }
  void run(const dnnl::primitive& primitive, const dnnl::stream& stream) const;

 private:
  std::array<dnnl_exec_arg_t, 6> list_;
  int count_ = 0;
};

/// Plans and work space of a thread.
class Thread {
 public:
  /// The first call for a key builds its primitive; after that a call only looks it up.
  Plan& plan(const PlanKey& key);
  /// Runs a plan whose pointers are set, with the scratch memory it wants.
  void execute(Plan& plan, Arguments& args);
  /// dw [+]= what the plan of a filter gradient left in memory at `sums`.
  void unpack(Plan& plan, float* sums, float* dw);
  /// Memory for the caller, whole until the next call.
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
