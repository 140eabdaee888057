#include "core/gemm_cublas.h"

#include <cublas_v2.h>

#include <memory>

#include "kernels/runtime/memory.h"

namespace temper {

namespace {

constexpr size_t kWorkspace = size_t{32} << 20;

void check(cublasStatus_t status, const char* what) {
  TEMPER_CHECK(status == CUBLAS_STATUS_SUCCESS, "cuBLAS: ", what, " failed: ", cublasGetStatusString(status));
}

struct Cublas {
  cublasHandle_t handle = nullptr;
  void* workspace = nullptr;
  ~Cublas() {
    if (handle) cublasDestroy(handle);
    release(Device::cuda, workspace, kWorkspace);
  }
};

}  // namespace

void* create_cublas(Stream stream) {
  auto blas = std::make_unique<Cublas>();
  check(cublasCreate(&blas->handle), "create handle");
  check(cublasSetStream(blas->handle, static_cast<cudaStream_t>(stream.handle)), "set stream");
  blas->workspace = allocate(Device::cuda, kWorkspace);
  check(cublasSetWorkspace(blas->handle, blas->workspace, kWorkspace), "set work space");
  check(cublasSetMathMode(blas->handle, CUBLAS_PEDANTIC_MATH), "set math mode");
  return blas.release();
}

void destroy_cublas(void* blas) noexcept { delete static_cast<Cublas*>(blas); }

void gemm_cublas(Stream stream, Transpose ta, Transpose tb, const Tensor& a, const Tensor& b, float beta,
                 const Tensor& c) {
  TEMPER_CHECK(stream.blas, "gemm: this CUDA stream has no cuBLAS handle; use the stream of an Engine");
  const cublasHandle_t handle = static_cast<Cublas*>(stream.blas)->handle;
  const auto op = [](Transpose t) { return t == Transpose::yes ? CUBLAS_OP_T : CUBLAS_OP_N; };
  const int m = static_cast<int>(c.shape[0]), n = static_cast<int>(c.shape[1]);
  const int k = static_cast<int>(a.shape[ta == Transpose::no ? 1 : 0]);
  const int lda = static_cast<int>(a.shape[1]), ldb = static_cast<int>(b.shape[1]);
  if (m == 0 || n == 0) return;
  // cuBLAS is column-major: there these row-major matrices are their transposes, and c' = op(b)' op(a)'.
  if (c.dtype == DType::f64) {
    const double one = 1, keep = beta;
    check(cublasDgemm(handle, op(tb), op(ta), n, m, k, &one, b.as<double>(), ldb, a.as<double>(), lda, &keep,
                      c.as<double>(), n),
          "gemm");
    return;
  }
  TEMPER_CHECK(c.dtype == DType::f32, "gemm: expected f32 or f64, got ", c.dtype);
  const float one = 1;
  check(cublasSgemm(handle, op(tb), op(ta), n, m, k, &one, b.as<float>(), ldb, a.as<float>(), lda, &beta, c.as<float>(),
                    n),
        "gemm");
}

}  // namespace temper
