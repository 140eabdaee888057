// Says which versions of the libraries Temper is built from a program gets when it is linked and started, without any
// of Temper's code: scripts that check where libraries are found build it.
#include <fmt/core.h>
#include <openssl/crypto.h>
#include <yaml-cpp/yaml.h>
#include <zip.h>
#include <zlib.h>

#if defined(TEMPER_CUDA)
#include <cublasLt.h>
#include <cuda_runtime.h>
#include <cudnn.h>
#endif

int main() {
  fmt::print("{}, zlib {}, libzip {}, {}\n", YAML::Load("yaml-cpp").as<std::string>(), zlibVersion(),
             zip_libzip_version(), OpenSSL_version(OPENSSL_VERSION));
#if defined(TEMPER_CUDA)
  int runtime = 0;
  if (cudaRuntimeGetVersion(&runtime) != cudaSuccess) return 1;
  fmt::print("CUDA {}, cuDNN {}, cuBLASLt {}\n", runtime, cudnnGetVersion(), cublasLtGetVersion());
#endif
}
