# Finds cuDNN 9 as nvidia_library.cmake says: target cuDNN::cuDNN.
include(${CMAKE_CURRENT_LIST_DIR}/nvidia_library.cmake)
find_nvidia_library(cuDNN cudnn.h cudnn_version.h "CUDNN_(MAJOR|MINOR|PATCHLEVEL)"
  "NVIDIA's libcudnn9-dev-cuda-13 or the wheel nvidia-cudnn-cu13" libcudnn.so.9 cudnn)
