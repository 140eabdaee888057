#include <cstring>
#include <type_traits>

#include "tests/emulation/cublasLt.h"
#include "tests/emulation/device_memory.h"

struct EmulatedBlas {};
struct EmulatedProduct {
  cublasComputeType_t compute;
  cublasOperation_t ta = CUBLAS_OP_N, tb = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  void* bias = nullptr;
};
struct EmulatedLayout {
  cudaDataType_t type;
  int64_t rows, cols, ld;
};
struct EmulatedPreference {};

namespace {

using temper::emulation::on_device;

/// An operand as it is multiplied: an element of op(m), rounded to 10 bits in TF32.
template <class T>
struct Operand {
  const T* data;
  EmulatedLayout layout;
  cublasOperation_t op;
  bool tf32;
  int64_t rows() const { return op == CUBLAS_OP_N ? layout.rows : layout.cols; }
  int64_t cols() const { return op == CUBLAS_OP_N ? layout.cols : layout.rows; }
  T at(int64_t i, int64_t j) const {
    const T v = op == CUBLAS_OP_N ? data[j * layout.ld + i] : data[i * layout.ld + j];
    if constexpr (std::is_same_v<T, float>)
      if (tf32) return __builtin_bit_cast(float, (__builtin_bit_cast(uint32_t, v) + 0x1000u) & ~uint32_t{0x1fff});
    return v;
  }
};

template <class T>
void multiply(const EmulatedProduct& desc, T alpha, const Operand<T>& a, const Operand<T>& b, T beta, T* c,
              int64_t ld) {
  for (int64_t j = 0; j < b.cols(); ++j)
    for (int64_t i = 0; i < a.rows(); ++i) {
      T sum = 0;
      for (int64_t k = 0; k < a.cols(); ++k) sum += a.at(i, k) * b.at(k, j);
      T& to = c[j * ld + i];
      to = alpha * sum + (beta == 0 ? T(0) : beta * to);
      if (desc.epilogue == CUBLASLT_EPILOGUE_BIAS) to += static_cast<const T*>(desc.bias)[i];
    }
}

bool lies(const void* data, const EmulatedLayout& m) {
  const size_t element = m.type == CUDA_R_64F ? 8 : 4;
  return on_device(data, ((m.cols - 1) * m.ld + m.rows) * element);
}

}  // namespace

const char* cublasLtGetStatusString(cublasStatus_t status) {
  if (status == CUBLAS_STATUS_SUCCESS) return "CUBLAS_STATUS_SUCCESS";
  return status == CUBLAS_STATUS_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE" : "CUBLAS_STATUS_NOT_SUPPORTED";
}
size_t cublasLtGetVersion() { return 0; }
cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) { return *handle = new EmulatedBlas, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return delete handle, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* desc, cublasComputeType_t compute, cudaDataType_t) {
  *desc = new EmulatedProduct{.compute = compute};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) { return delete desc, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t name,
                                              const void* value, size_t bytes) {
  const auto set = [&](auto& to) {
    if (bytes != sizeof to) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&to, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
  };
  switch (name) {
    case CUBLASLT_MATMUL_DESC_TRANSA: return set(desc->ta);
    case CUBLASLT_MATMUL_DESC_TRANSB: return set(desc->tb);
    case CUBLASLT_MATMUL_DESC_EPILOGUE: return set(desc->epilogue);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return set(desc->bias);
  }
  return CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType_t type, uint64_t rows,
                                          uint64_t cols, int64_t ld) {
  *layout = new EmulatedLayout{type, static_cast<int64_t>(rows), static_cast<int64_t>(cols), ld};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return delete layout, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return *preference = new EmulatedPreference, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return delete preference, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t, cublasLtMatmulPreferenceAttributes_t,
                                                    const void*, size_t) {
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoCapGetAttribute(const cublasLtMatmulAlgo_t* algo, cublasLtMatmulAlgoCapAttributes_t,
                                                 void* value, size_t bytes, size_t* written) {
  const uint64_t flags = algo->compute == CUBLAS_COMPUTE_32F_FAST_TF32 ? CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_TF32 : 0;
  if (bytes < sizeof flags) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(value, &flags, *written = sizeof flags);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatmulPreference_t, int most,
                                              cublasLtMatmulHeuristicResult_t* proposals, int* count) {
  if (a->type == CUDA_R_16F || a->type == CUDA_R_16BF) return CUBLAS_STATUS_NOT_SUPPORTED;
  *count = most < 1 ? 0 : 1;
  if (*count == 1) proposals[0] = {.algo = {desc->compute}, .state = CUBLAS_STATUS_SUCCESS};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t desc, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t*, void* workspace,
                              size_t workspace_bytes, cudaStream_t stream) {
  const auto fits = [&](auto tag) {
    using T = decltype(tag);
    const bool tf32 = desc->compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    const Operand<T> left{static_cast<const T*>(a), *a_layout, desc->ta, tf32};
    const Operand<T> right{static_cast<const T*>(b), *b_layout, desc->tb, tf32};
    if (left.cols() != right.rows() || left.rows() != d_layout->rows || right.cols() != d_layout->cols) return false;
    if (desc->epilogue == CUBLASLT_EPILOGUE_BIAS && !on_device(desc->bias, d_layout->rows * sizeof(T))) return false;
    const T one = *static_cast<const T*>(alpha), keep = *static_cast<const T*>(beta);
    temper::emulation::enqueue(stream, [=, desc = *desc, to = static_cast<T*>(d), ld = d_layout->ld] {
      multiply(desc, one, left, right, keep, to, ld);
    });
    return true;
  };
  const bool there = lies(a, *a_layout) && lies(b, *b_layout) && lies(d, *d_layout) && c == d &&
                     c_layout->ld == d_layout->ld && on_device(workspace, workspace_bytes);
  if (!there) return CUBLAS_STATUS_INVALID_VALUE;
  const bool done = d_layout->type == CUDA_R_64F ? fits(double{}) : fits(float{});
  return done ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
