# Finds cuBLASLt 13 as nvidia_library.cmake says: target cublasLt::cublasLt.
include(${CMAKE_CURRENT_LIST_DIR}/nvidia_library.cmake)
find_nvidia_library(cublasLt cublasLt.h cublas_api.h "CUBLAS_VER_(MAJOR|MINOR|PATCH)"
  "NVIDIA's libcublas-dev-13-0 or the wheel nvidia-cublas" libcublasLt.so.13 cublasLt)
# Its headers include <nv/target>, which lies in a folder of its own since CUDA 13; CMake before 4.1 does not know.
find_path(NVIDIA_CCCL_INCLUDE_DIR nv/target HINTS ${nvidia_toolkit} ${CUDAToolkit_INCLUDE_DIRS} NO_DEFAULT_PATH
  PATH_SUFFIXES cccl include/cccl targets/x86_64-linux/include/cccl)
if(cublasLt_FOUND AND NVIDIA_CCCL_INCLUDE_DIR)
  target_include_directories(cublasLt::cublasLt SYSTEM INTERFACE ${NVIDIA_CCCL_INCLUDE_DIR})
endif()
