#pragma once
// A training step as one CUDA graph.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/engine.h"

namespace temper {

/// Whether a GPU repeats steps by itself. automatic: where that is possible, with a note where it is not.
enum class GraphUse : uint8_t { automatic, on, off };

/// Work that a device can do again.
class RecordedWork {
 public:
  virtual ~RecordedWork() = default;
  virtual void launch(Stream stream) = 0;
};

/// How a device records what its stream is asked to do.
class GraphRecorder {
 public:
  virtual ~GraphRecorder() = default;
  virtual void begin(Stream stream) = 0;
  /// Throws NotRepeatable where the device cannot make something of what it recorded.
  virtual std::unique_ptr<RecordedWork> end(Stream stream) = 0;
  /// Whether something that was asked of the stream since begin() cannot be recorded.
  virtual bool broken(Stream stream) const noexcept = 0;
  /// Ends a recording that came to nothing; the stream is as it was before.
  virtual void abandon(Stream stream) noexcept = 0;
};

/// CUDA's stream capture, or null on the CPU, which has nothing like it.
std::unique_ptr<GraphRecorder> make_graph_recorder(Device device);

/// What work depends on beside the memory it reads.
struct GraphKey {
  int64_t size = 0;  ///< samples: a smaller last batch has a graph of its own
  /// Everything on the host that launches and decisions may depend on, by name.
  std::vector<std::pair<std::string, double>> numbers = {};
  friend bool operator==(const GraphKey&, const GraphKey&) = default;
};

/// Does the same work over and over: the first time as it is, which builds plans and buffers; the second time it is
/// recorded; from then on the device repeats the recording, with the same results to the last bit. Each key has a
/// recording of its own; those of the kMost used last are kept. Needs the arena to be filled to the same mark each
/// time.
class StepGraph {
 public:
  static constexpr int kMost = 16;

  /// Without a recorder (the CPU) work is never recorded. Throws Error for GraphUse::on then.
  StepGraph(Engine& engine, GraphUse use, std::unique_ptr<GraphRecorder> recorder);
  ~StepGraph();

  /// Throws Error where GraphUse::on asks for what cannot be recorded, with what stands in the way; with
  /// GraphUse::automatic the work is done as it is then, and notes() says so. Other errors of the work, such as memory
  /// that ran out, go through. A note says so, too, where keys change so often that nothing is ever repeated.
  void run(const GraphKey& key, const std::function<void()>& work);

  /// Whether work is recorded at all.
  bool on() const { return recorder_ && use_ != GraphUse::off; }
  int64_t launched() const { return launched_; }  ///< how often the device did the work by itself
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
  std::vector<Entry> entries_;  ///< the one used last is the last
  int64_t launched_ = 0;
  int new_keys_ = 0;  ///< in a row
  std::vector<std::string> notes_;
};

}  // namespace temper
