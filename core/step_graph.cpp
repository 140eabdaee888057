#include "core/step_graph.h"

#include <utility>

#include "kernels/runtime/check.h"

namespace temper {

#if defined(TEMPER_CUDA)
std::unique_ptr<GraphRecorder> make_cuda_graph_recorder();  // step_graph_cuda.cpp
#endif

std::unique_ptr<GraphRecorder> make_graph_recorder([[maybe_unused]] Device device) {
#if defined(TEMPER_CUDA)
  if (device == Device::cuda) return make_cuda_graph_recorder();
#endif
  return nullptr;
}

StepGraph::StepGraph(Engine& engine, GraphUse use, std::unique_ptr<GraphRecorder> recorder)
    : engine_(engine), use_(use), recorder_(std::move(recorder)) {
  TEMPER_CHECK(use != GraphUse::on || recorder_,
               "graph: expected device: cuda because only a GPU repeats steps by itself, "
               "got ",
               engine.device(), "; set graph: auto or device: cuda");
  // Timing a range waits for the device.
  if (engine.options().ranges) recorder_.reset();
}
StepGraph::~StepGraph() = default;

void StepGraph::run(const GraphKey& key, const std::function<void()>& work) {
  if (on() && key.name.empty()) refuse("the method does not say what its step depends on (Trainer::recording)");
  if (!on()) return work();
  const auto [at, first] = entries_.try_emplace(key.size);
  Entry& entry = at->second;
  if (first || entry.name != key.name) {
    entry = {.name = key.name, .mark = engine_.arena().used(), .work = nullptr, .host = {}};
    return work();
  }
  TEMPER_CHECK(entry.mark == engine_.arena().used(), "graph: expected the step's memory to begin at byte ", entry.mark,
               " of the arena, where it was recorded, got ", engine_.arena().used(),
               "; keep nothing else in the arena across steps, or set graph: off");
  const bool again = entry.work != nullptr;
  if (!again) record(entry, work);
  if (!entry.work) return work();
  entry.work->launch(engine_.stream());
  ++launched_;
  // While it was being recorded the host did its own part.
  if (again)
    for (const auto& f : entry.host) f();
}

void StepGraph::record(Entry& entry, const std::function<void()>& work) {
  Capture& capture = engine_.capture();
  const Stream stream = engine_.stream();
  const auto abandon = [&] {
    recorder_->abandon(stream);
    capture.abandon();
  };
  capture.begin();
  try {
    recorder_->begin(stream);
    work();
    entry.work = recorder_->end(stream);
    entry.host = capture.end().host;
  } catch (const NotRepeatable& e) {
    abandon();
    refuse(e.what());
  } catch (const Error& e) {
    const bool broken = recorder_->broken(stream);
    abandon();
    if (!broken) throw;
    refuse(e.what());
  } catch (...) {
    abandon();
    throw;
  }
}

void StepGraph::refuse(const std::string& why) {
  const std::string text = "graph: a step cannot be recorded: " + why;
  if (use_ == GraphUse::on) fail(text, "; set graph: off, or auto to do without where it must be");
  notes_.push_back(text + "; every kernel is launched by the host");
  use_ = GraphUse::off;
}

}  // namespace temper
