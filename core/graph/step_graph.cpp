#include "core/graph/step_graph.h"

#include <algorithm>
#include <utility>

#include "kernels/runtime/check.h"
#include "kernels/runtime/range.h"

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
               "graph: expected device: cuda because only a GPU replays captured steps, "
               "got ",
               engine.device(), "; set graph: auto or device: cuda");
  // Without a clock on the device, timing a range waits for the device.
  if (const RangeLog* ranges = engine.options().ranges; ranges && !ranges->has_clock()) recorder_.reset();
}
StepGraph::~StepGraph() = default;

void StepGraph::run(const GraphKey& key, const std::function<void()>& work) {
  if (!on()) return work();
  Entry* known = find(key);
  if (!known) {
    note_new(key);
    if (entries_.size() == kMost) entries_.erase(entries_.begin());
    entries_.push_back({.key = key, .mark = engine_.arena().used(), .work = nullptr, .on_replay = {}});
    return work();
  }
  Entry& entry = *known;
  new_keys_ = 0;
  TEMPER_CHECK(entry.mark == engine_.arena().used(), "graph: expected the step's memory to begin at byte ", entry.mark,
               " of the arena, where it was captured, got ", engine_.arena().used(),
               "; keep nothing else in the arena across steps, or set graph: off");
  const bool again = entry.work != nullptr;
  if (!again) record(entry, work);
  if (!entry.work) return work();
  entry.work->launch(engine_.stream());
  ++launched_;
  // During the capture the host has done its part already.
  if (again)
    for (const auto& f : entry.on_replay) f();
}

StepGraph::Entry* StepGraph::find(const GraphKey& key) {
  const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key; });
  if (at == entries_.end()) return nullptr;
  std::rotate(at, at + 1, entries_.end());
  return &entries_.back();
}

// A new key now and then costs little; with a new one in every step nothing is ever replayed.
void StepGraph::note_new(const GraphKey& key) {
  if (++new_keys_ != kMost) return;
  const auto& last = entries_.back().key.numbers;
  std::vector<std::string> changed;
  for (const auto& number : key.numbers)
    if (std::find(last.begin(), last.end(), number) == last.end()) changed.push_back("'" + number.first + "'");
  std::string text = cat("graph: ", kMost, " steps in a row could not be replayed, because the host changes ");
  for (const std::string& name : changed) text += (&name == changed.data() ? "" : ", ") + name;
  text +=
      ", and a captured step may depend on that; make it one of the method's live_values() and visit it as unrecorded";
  if (use_ == GraphUse::on) fail(text, ", or set graph: auto");
  notes_.push_back(text);
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
    entry.on_replay = capture.end().on_replay;
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
  const std::string text = "graph: a step cannot be captured: " + why;
  if (use_ == GraphUse::on) fail(text, "; set graph: off, or auto to continue without a graph");
  notes_.push_back(text + "; every kernel is launched by the host");
  use_ = GraphUse::off;
}

}  // namespace temper
