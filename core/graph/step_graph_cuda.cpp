#include <cuda_runtime.h>

#include "core/graph/step_graph.h"
#include "kernels/runtime/capture.h"
#include "kernels/runtime/cuda_call.h"

namespace temper {

namespace {

cudaStream_t handle(Stream stream) { return static_cast<cudaStream_t>(stream.handle); }

void check_recorded(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();
  throw NotRepeatable(cat(what, " failed: ", cudaGetErrorString(error)));
}

class CudaGraph : public RecordedWork {
 public:
  explicit CudaGraph(cudaGraph_t graph) {
    const cudaError_t error = cudaGraphInstantiate(&graph_, graph, 0);
    TEMPER_CHECK(error != cudaErrorMemoryAllocation,
                 "graph: the GPU has no memory left for a recorded step; lower "
                 "batch_size, or set graph: off");
    check_recorded(error, "cudaGraphInstantiate");
  }
  ~CudaGraph() override { cudaGraphExecDestroy(graph_); }
  CudaGraph(const CudaGraph&) = delete;
  void launch(Stream stream) override { TEMPER_CUDA_CALL(cudaGraphLaunch(graph_, handle(stream))); }

 private:
  cudaGraphExec_t graph_ = nullptr;
};

class CudaRecorder : public GraphRecorder {
 public:
  // Thread local: what other threads do with the device is none of this capture's business.
  void begin(Stream stream) override {
    TEMPER_CUDA_CALL(cudaStreamBeginCapture(handle(stream), cudaStreamCaptureModeThreadLocal));
  }
  std::unique_ptr<RecordedWork> end(Stream stream) override {
    cudaGraph_t graph = nullptr;
    check_recorded(cudaStreamEndCapture(handle(stream), &graph), "cudaStreamEndCapture");
    const std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, cudaError_t (*)(cudaGraph_t)> owner(graph,
                                                                                                  cudaGraphDestroy);
    return std::make_unique<CudaGraph>(graph);
  }
  bool broken(Stream stream) const noexcept override {
    cudaStreamCaptureStatus status{};
    return cudaStreamIsCapturing(handle(stream), &status) != cudaSuccess || status != cudaStreamCaptureStatusActive;
  }
  void abandon(Stream stream) noexcept override {
    cudaGraph_t graph = nullptr;
    cudaStreamEndCapture(handle(stream), &graph);
    if (graph) cudaGraphDestroy(graph);
    cudaGetLastError();  // the error that a broken capture leaves behind
  }
};

}  // namespace

std::unique_ptr<GraphRecorder> make_cuda_graph_recorder() { return std::make_unique<CudaRecorder>(); }

}  // namespace temper
