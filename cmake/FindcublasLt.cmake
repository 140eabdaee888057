# Finds the toolkit's cuBLASLt as nvidia_library.cmake says: target cublasLt::cublasLt.
include(${CMAKE_CURRENT_LIST_DIR}/nvidia_library.cmake)
find_cuda_toolkit()
find_nvidia_library(cublasLt cublasLt.h cublas_api.h "CUBLAS_VER_(MAJOR|MINOR|PATCH)"
  "NVIDIA's libcublas-dev-13-0 or the wheel nvidia-cublas" libcublasLt.so.${CUDAToolkit_VERSION_MAJOR} cublasLt)
