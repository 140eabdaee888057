#if defined(TEMPER_CUDA)
#include "core/conv_plan_cudnn.h"
#include "tests/skip.h"

using namespace temper;

namespace {

/// An H100, written by hand: enough for cuDNN to propose engines on a machine without a GPU.
constexpr char kH100[] = R"({"maxGridSize":[2147483647,65535,65535],"maxBlockSize":[1024,1024,64],"regsPerBlock":65536,
"multiProcessorCount":132,"warpSize":32,"maxSharedMemoryPerBlock":49152,"maxSharedMemoryPerBlockOptin":232448,
"reservedSharedMemoryPerBlock":1024,"maxRegistersPerSM":65536,"maxCtasPerSM":32,"maxThreadsPerBlock":1024,
"maxThreadsPerSM":2048,"pciDeviceId":0,"isTccDriver":0,"supportCoopLaunch":1,"smClockRateKHz":1980000,
"memClockRateKHz":2619000,"l2CacheSize":52428800,"deviceName":"NVIDIA H100 80GB HBM3","cudnnVersion":91900,
"schemaVersion":4,"deviceVer":900,"driverVer":13000,"totalGlobalMem":85045346304,"cudaDeviceId":0})";

std::vector<ConvShape> resnet18_shapes() {
  std::vector<ConvShape> shapes = {
      {.n = 128, .h = 32, .w = 32, .c = 3, .k = 64, .r = 3, .s = 3, .stride = 1, .pad = 1},
      {.n = 128, .h = 32, .w = 32, .c = 64, .k = 64, .r = 3, .s = 3, .stride = 1, .pad = 1}};
  for (int64_t h = 32, c = 64; c < 512; h /= 2, c *= 2) {
    shapes.push_back({.n = 128, .h = h, .w = h, .c = c, .k = 2 * c, .r = 3, .s = 3, .stride = 2, .pad = 1});
    shapes.push_back({.n = 128, .h = h, .w = h, .c = c, .k = 2 * c, .r = 1, .s = 1, .stride = 2, .pad = 0});
    shapes.push_back({.n = 128, .h = h / 2, .w = h / 2, .c = 2 * c, .k = 2 * c, .r = 3, .s = 3, .stride = 1, .pad = 1});
  }
  return shapes;
}

}  // namespace

TEST_CASE("cuDNN proposes deterministic engines for every convolution of ResNet-18 on sm_90", "[cudnn]") {
  cudnn::Descriptor device(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  try {
    device.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, std::span<const char>(kH100, sizeof kH100 - 1));
    device.finalize("device description");
  } catch (const Error& e) {
    TEMPER_SKIP("this cuDNN does not take the device description: " << e.what());
  }
  for (const ConvShape& shape : resnet18_shapes())
    for (const DType dtype : {DType::f32, DType::bf16})
      for (const cudnn::ConvPass pass :
           {cudnn::ConvPass::forward, cudnn::ConvPass::backward_data, cudnn::ConvPass::backward_filter})
        for (const bool accumulate : {false, true}) {
          if (accumulate && pass == cudnn::ConvPass::forward) continue;
          // Compiled at run time through the driver: nothing to be learnt without one.
          if (dtype == DType::bf16 && pass == cudnn::ConvPass::backward_filter) continue;
          const cudnn::ConvKey key{.shape = shape, .dtype = dtype, .pass = pass, .accumulate = accumulate};
          INFO(name(dtype) << " pass " << static_cast<int>(pass) << " accumulate " << accumulate << " c " << shape.c
                           << " k " << shape.k << " r " << shape.r << " stride " << shape.stride);
          CHECK(!cudnn::engine_configs(cudnn::conv_graph(key), {.device = &device}, cudnn::conv_limits(key)).empty());
        }
}
#endif
