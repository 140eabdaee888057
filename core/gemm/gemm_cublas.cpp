#include "core/gemm/gemm_cublas.h"

#include <cublasLt.h>

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/environment/device_cuda.h"
#include "core/gemm/gemm_key.h"
#include "kernels/runtime/capture.h"
#include "kernels/runtime/cuda_handle.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

constexpr size_t kWorkspace = size_t{32} << 20;
constexpr int kProposals = 32;

void check(cublasStatus_t status, const char* what) {
  TEMPER_CHECK(status == CUBLAS_STATUS_SUCCESS, "cuBLASLt: ", what, " failed: ", cublasLtGetStatusString(status));
}

using Handle = CudaHandle<cublasLtHandle_t, cublasLtDestroy>;
using Product = CudaHandle<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Layout = CudaHandle<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference = CudaHandle<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

/// How a key is computed. cuBLASLt counts in columns: to it row-major matrices are their transposes, so that it forms
/// c' = op(b)' op(a)', and the bias of a column of c goes with a row of c'.
struct Plan {
  Product product;
  Layout b, a, c;
  cublasLtMatmulAlgo_t algorithm{};
};

Layout layout(cudaDataType_t type, int64_t rows, int64_t cols) {
  Layout made;
  check(cublasLtMatrixLayoutCreate(made.out(), type, cols, rows, cols), "create layout");
  return made;
}

void set(const Product& product, cublasLtMatmulDescAttributes_t name, const auto& value) {
  check(cublasLtMatmulDescSetAttribute(product, name, &value, sizeof value), "set attribute of a product");
}
void set(const Preference& preference, cublasLtMatmulPreferenceAttributes_t name, const auto& value) {
  check(cublasLtMatmulPreferenceSetAttribute(preference, name, &value, sizeof value), "set preference");
}

Plan describe(const GemmKey& key) {
  const cudaDataType_t type = key.math == GemmMath::f64 ? CUDA_R_64F : CUDA_R_32F;
  const cublasComputeType_t compute = key.math == GemmMath::f64    ? CUBLAS_COMPUTE_64F
                                      : key.math == GemmMath::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                                   : CUBLAS_COMPUTE_32F_PEDANTIC;
  Plan plan;
  check(cublasLtMatmulDescCreate(plan.product.out(), compute, type), "create product");
  const auto op = [](Transpose t) { return t == Transpose::yes ? CUBLAS_OP_T : CUBLAS_OP_N; };
  set(plan.product, CUBLASLT_MATMUL_DESC_TRANSA, op(key.tb));
  set(plan.product, CUBLASLT_MATMUL_DESC_TRANSB, op(key.ta));
  if (key.bias) set(plan.product, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
  const bool ta = key.ta == Transpose::yes, tb = key.tb == Transpose::yes;
  plan.a = layout(type, ta ? key.k : key.m, ta ? key.m : key.k);
  plan.b = layout(type, tb ? key.n : key.k, tb ? key.k : key.n);
  plan.c = layout(type, key.m, key.n);
  return plan;
}

Preference preference(const GemmKey& key) {
  Preference p;
  check(cublasLtMatmulPreferenceCreate(p.out()), "create preference");
  set(p, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t{kWorkspace});
  // Parts of a sum may only be added in a step of their own: with counters in the output the order is not fixed.
  set(p, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
      uint32_t{CUBLASLT_REDUCTION_SCHEME_NONE | CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
  for (const auto name : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
    set(p, name, static_cast<uint32_t>(key.alignment));
  return p;
}

/// Whether an algorithm multiplies operands of fewer bits than f32 has.
bool rounds_operands(const cublasLtMatmulAlgo_t& algorithm) {
  uint64_t flags = 0;
  size_t written = 0;
  check(cublasLtMatmulAlgoCapGetAttribute(&algorithm, CUBLASLT_ALGO_CAP_NUMERICAL_IMPL_FLAGS, &flags, sizeof flags,
                                          &written),
        "ask what an algorithm does");
  return flags & (CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_16F | CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_16BF |
                  CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_TF32);
}

/// The first algorithm for the key that qualifies.
std::optional<cublasLtMatmulAlgo_t> choose(cublasLtHandle_t handle, const GemmKey& key, const Plan& plan,
                                           PlanRefusals& refusals) {
  std::vector<cublasLtMatmulHeuristicResult_t> proposals(kProposals);
  int count = 0;
  const Preference wanted = preference(key);
  // No algorithm is a valid answer, not an error; so is any refusal of a bias, which is then added separately.
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(handle, plan.product, plan.b, plan.a, plan.c, plan.c,
                                                               wanted, kProposals, proposals.data(), &count);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || (key.bias && status != CUBLAS_STATUS_SUCCESS)) return std::nullopt;
  check(status, "propose algorithms");
  for (int i = 0; i < count; ++i) {
    ++refusals.proposed;
    if (proposals[i].state != CUBLAS_STATUS_SUCCESS) {
      ++refusals.failed;
      refusals.last_failure = cublasLtGetStatusString(proposals[i].state);
    } else if (key.math == GemmMath::f32 && rounds_operands(proposals[i].algo)) {
      ++refusals.imprecise;
    } else {
      return proposals[i].algo;
    }
  }
  return std::nullopt;
}

class CublasLt {
 public:
  explicit CublasLt(const CublasOptions& options) : options_(options) {
    check(cublasLtCreate(handle_.out()), "create handle");
    const size_t v = cublasLtGetVersion();
    source_ = {.library = cat("cuBLASLt ", v / 10000, ".", v % 10000 / 100, ".", v % 100),
               .device = device_text(),
               .workspace = kWorkspace};
  }

  const CublasOptions& options() const { return options_; }

  /// c = beta * c + op(a) * op(b) [+ bias]; false, and nothing done, where there is no algorithm for a bias.
  bool multiply(Stream stream, const GemmKey& key, const Tensor& a, const Tensor& b, const GemmEpilogue& e,
                const Tensor& c) {
    const Entry& entry = find(stream, key, e.bias.data);
    if (!entry.found && key.bias) return false;
    TEMPER_CHECK(entry.found, refusal_text(key, entry.refusals, source_));
    if (planning(stream)) return true;
    const Plan& plan = entry.plan;
    if (key.bias) set(plan.product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, e.bias.data);
    const double one = 1, keep = e.beta;
    const float one32 = 1;
    const bool wide = key.math == GemmMath::f64;
    const cublasStatus_t status =
        cublasLtMatmul(handle_, plan.product, wide ? static_cast<const void*>(&one) : &one32, b.data, plan.b, a.data,
                       plan.a, wide ? static_cast<const void*>(&keep) : &e.beta, c.data, plan.c, c.data, plan.c,
                       &plan.algorithm, workspace_.data(), kWorkspace, static_cast<cudaStream_t>(stream.handle));
    TEMPER_CHECK(status == CUBLAS_STATUS_SUCCESS, "gemm: ", source_.library, " on ", source_.device,
                 " failed to run the ", text(key), ": ", cublasLtGetStatusString(status));
    return true;
  }

 private:
  struct Entry {
    Plan plan;
    bool found = false;
    PlanRefusals refusals;
  };

  const Entry& find(Stream stream, const GemmKey& key, const void* bias) {
    if (const auto it = entries_.find(key); it != entries_.end()) return it->second;
    cudaStreamCaptureStatus capture{};
    TEMPER_CUDA_CALL(cudaStreamIsCapturing(static_cast<cudaStream_t>(stream.handle), &capture));
    if (capture != cudaStreamCaptureStatusNone)
      throw NotRepeatable(
          cat("gemm: the ", text(key),
              " occurs for the first time in a captured step, and choosing its algorithm may load code; run the step "
              "once before it is captured"));
    Entry entry{.plan = describe(key)};
    // Before anything is proposed, too: a bias epilogue without a bias may count as one that is not supported.
    if (key.bias) set(entry.plan.product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    if (const auto algorithm = choose(handle_, key, entry.plan, entry.refusals)) {
      entry.plan.algorithm = *algorithm;
      entry.found = true;
    }
    return entries_.emplace(key, std::move(entry)).first->second;
  }

  CublasOptions options_;
  Handle handle_;
  PlanSource source_;
  Memory workspace_{Device::cuda, kWorkspace};
  std::map<GemmKey, Entry> entries_;
};

int64_t common_alignment(std::initializer_list<const void*> pointers) {
  uintptr_t bits = 16;
  for (const void* p : pointers) bits |= reinterpret_cast<uintptr_t>(p);
  return static_cast<int64_t>(bits & -bits);
}

}  // namespace

std::shared_ptr<void> make_cublas(const CublasOptions& options) { return std::make_shared<CublasLt>(options); }

void gemm_cublas(Stream stream, Transpose ta, Transpose tb, const Tensor& a, const Tensor& b, const GemmEpilogue& e,
                 const Tensor& c) {
  TEMPER_CHECK(stream.blas, "gemm: this CUDA stream has no cuBLAS handle; use the stream of an Engine");
  TEMPER_CHECK(c.dtype == DType::f32 || c.dtype == DType::f64, "gemm: expected f32 or f64, got ", c.dtype);
  if (c.numel() == 0) return;
  CublasLt& blas = *static_cast<CublasLt*>(stream.blas);
  // No preference tells cuBLASLt of a bias's alignment: an unaligned one is added separately.
  const bool fused =
      e.bias && !blas.options().without.has(Optimisation::product_bias) && common_alignment({e.bias.data}) == 16;
  GemmKey key{.m = c.shape[0],
              .n = c.shape[1],
              .k = a.shape[ta == Transpose::no ? 1 : 0],
              .ta = ta,
              .tb = tb,
              .math = c.dtype == DType::f64                   ? GemmMath::f64
                      : blas.options().math == ConvMath::tf32 ? GemmMath::tf32
                                                              : GemmMath::f32,
              .bias = fused,
              .alignment = common_alignment({a.data, b.data, c.data})};
  if (key.bias && blas.multiply(stream, key, a, b, e, c)) return;
  key.bias = false;
  blas.multiply(stream, key, a, b, e, c);
  if (e.bias) add_bias(stream, e.bias, c);
}

}  // namespace temper
