#pragma once
// A training step as one CUDA graph.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/engine.h"

namespace TEMPER_API temper {

/// Whether a GPU replays training steps as CUDA graphs. automatic: if possible, otherwise with a note.
enum class GraphUse : uint8_t { automatic, on, off };

/// Captured work that a device can replay.
class RecordedWork {
 public:
  virtual ~RecordedWork() = default;
  virtual void launch(Stream stream) = 0;
};

/// Captures the work of a stream.
class GraphRecorder {
 public:
  virtual ~GraphRecorder() = default;
  virtual void begin(Stream stream) = 0;
  /// Ends the capture. Throws NotRepeatable if the device cannot instantiate it.
  virtual std::unique_ptr<RecordedWork> end(Stream stream) = 0;
  /// Whether some work since begin() could not be captured.
  virtual bool broken(Stream stream) const noexcept = 0;
  /// Ends a failed capture; the stream can be used as before.
  virtual void abandon(Stream stream) noexcept = 0;
};

/// CUDA's stream capture; null on the CPU.
std::unique_ptr<GraphRecorder> make_graph_recorder(Device device);

/// The key of captured work: everything that it depends on, apart from the device memory that it reads.
struct GraphKey {
  int64_t size = 0;  ///< samples: a smaller last batch has its own graph
  /// Numbers on the host that launches and decisions may depend on, by name.
  std::vector<std::pair<std::string, double>> numbers = {};
  friend bool operator==(const GraphKey&, const GraphKey&) = default;
};

/// Runs the same work again and again. The first time with a key it runs as it is, which builds plans and buffers; the
/// second time it is captured as a graph; from then on the graph is replayed, with the same bits. There is one graph
/// per key; those of the kMost keys used last are kept. The arena must be at the same mark each time.
class StepGraph {
 public:
  static constexpr int kMost = 16;

  /// Without a recorder (on the CPU) work is never captured, and GraphUse::on throws Error.
  StepGraph(Engine& engine, GraphUse use, std::unique_ptr<GraphRecorder> recorder);
  ~StepGraph();

  /// If the work cannot be captured: throws Error with the reason for GraphUse::on; for GraphUse::automatic it runs
  /// without a graph and adds the reason to notes(). Other errors of the work, such as exhausted memory, are passed on.
  /// If keys change so often that nothing is ever replayed, a note says so, too.
  void run(const GraphKey& key, const std::function<void()>& work);

  /// Whether work is captured at all.
  bool on() const { return recorder_ && use_ != GraphUse::off; }
  int64_t launched() const { return launched_; }  ///< number of replays
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  struct Entry {
    GraphKey key;
    size_t mark = 0;  ///< of the arena
    std::unique_ptr<RecordedWork> work;
    std::vector<std::function<void()>> on_replay;
  };
  Entry* find(const GraphKey& key);
  void note_new(const GraphKey& key);
  void record(Entry& entry, const std::function<void()>& work);
  void refuse(const std::string& why);

  Engine& engine_;
  GraphUse use_;
  std::unique_ptr<GraphRecorder> recorder_;
  std::vector<Entry> entries_;  ///< in the order of their last use
  int64_t launched_ = 0;
  int new_keys_ = 0;  ///< in a row
  std::vector<std::string> notes_;
};

}  // namespace temper
