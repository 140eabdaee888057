// Says which versions of the libraries Temper is built from a program gets when it is linked and started, without any
// of Temper's code: scripts that check where libraries are found build it.
#include <fmt/core.h>
#include <openssl/crypto.h>
#include <png.h>
#include <turbojpeg.h>
#include <webp/decode.h>
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
  const tjhandle jpeg = tjInitDecompress();
  fmt::print("libpng {}, libwebp {:x}, libjpeg-turbo {}\n", png_get_libpng_ver(nullptr), WebPGetDecoderVersion(),
             jpeg ? "starts" : "does not start");
  if (jpeg) tjDestroy(jpeg);
#if defined(TEMPER_CUDA)
  int runtime = 0;
  if (cudaRuntimeGetVersion(&runtime) != cudaSuccess) return 1;
  fmt::print("CUDA {}, cuDNN {}, cuBLASLt {}\n", runtime, cudnnGetVersion(), cublasLtGetVersion());
#endif
}
