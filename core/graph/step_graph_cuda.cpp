#include "core/graph/step_graph.h"
#include "kernels/runtime/capture.h"
#include "kernels/runtime/cuda_handle.h"

namespace temper {

namespace {

cudaStream_t handle(Stream stream) { return static_cast<cudaStream_t>(stream.handle); }

void check_recorded(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();
  throw NotRepeatable(cat(what, " failed: ", cudaGetErrorString(error)));
}

using Graph = CudaHandle<cudaGraph_t, cudaGraphDestroy>;

class CudaGraph : public RecordedWork {
 public:
  explicit CudaGraph(cudaGraph_t graph) {
    const cudaError_t error = cudaGraphInstantiate(graph_.out(), graph, 0);
    TEMPER_CHECK(error != cudaErrorMemoryAllocation,
                 "graph: the GPU has no memory left for a captured step; lower batch_size, or set graph: off");
    check_recorded(error, "cudaGraphInstantiate");
  }
  void launch(Stream stream) override { TEMPER_CUDA_CALL(cudaGraphLaunch(graph_, handle(stream))); }

 private:
  CudaHandle<cudaGraphExec_t, cudaGraphExecDestroy> graph_;
};

class CudaRecorder : public GraphRecorder {
 public:
  // Thread local: calls of other threads do not disturb this capture.
  void begin(Stream stream) override {
    TEMPER_CUDA_CALL(cudaStreamBeginCapture(handle(stream), cudaStreamCaptureModeThreadLocal));
  }
  std::unique_ptr<RecordedWork> end(Stream stream) override {
    Graph graph;
    check_recorded(cudaStreamEndCapture(handle(stream), graph.out()), "cudaStreamEndCapture");
    return std::make_unique<CudaGraph>(graph);
  }
  bool broken(Stream stream) const noexcept override {
    cudaStreamCaptureStatus status{};
    return cudaStreamIsCapturing(handle(stream), &status) != cudaSuccess || status != cudaStreamCaptureStatusActive;
  }
  void abandon(Stream stream) noexcept override {
    Graph graph;
    cudaStreamEndCapture(handle(stream), graph.out());
    cudaGetLastError();  // clears the error of a failed capture
  }
};

}  // namespace

std::unique_ptr<GraphRecorder> make_cuda_graph_recorder() { return std::make_unique<CudaRecorder>(); }

}  // namespace temper
