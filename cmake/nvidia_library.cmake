# How NVIDIA's libraries are found. CMake's own FindCUDAToolkit wants plain names such as libcudart.so, which Python's wheels
# lack: they have libcudart.so.13 alone.

# find_nvcc(): nvidia_toolkit, the folder that nvcc's bin lies in.
macro(find_nvcc)
  find_program(NVIDIA_NVCC NAMES ${CMAKE_CUDA_COMPILER} $ENV{CUDACXX} nvcc PATHS /usr/local/cuda/bin
    DOC "The nvcc of the CUDA toolkit")
  get_filename_component(nvidia_toolkit "${NVIDIA_NVCC}" REALPATH)
  get_filename_component(nvidia_toolkit "${nvidia_toolkit}/../.." ABSOLUTE)
endmacro()

# find_nvidia_library(NAME <header> <version header> <pattern of the version's numbers> <packages> <library names>...):
# finds library and header in nvcc's toolkit, in Python's wheels (nvidia/cu13 and nvidia/cudnn; older ones have a folder for
# each library, such as nvidia/cublas), or where the system keeps libraries, unless NAME_ROOT, or NAME_LIBRARY and
# NAME_INCLUDE_DIR, say where. Defines the target NAME::NAME. Does find_package(CUDAToolkit REQUIRED) in passing.
macro(find_nvidia_library name header version_header pattern packages)
  find_nvcc()
  find_library(CUDA_CUDART NAMES cudart libcudart.so.13 NAMES_PER_DIR HINTS ${nvidia_toolkit}
    PATH_SUFFIXES lib64 lib targets/x86_64-linux/lib)
  find_package(CUDAToolkit REQUIRED)
  set(folders ${nvidia_toolkit})
  find_program(NVIDIA_PYTHON NAMES python3 python DOC "The Python whose nvidia-* wheels may hold cuDNN and cuBLASLt")
  if(NVIDIA_PYTHON)
    execute_process(COMMAND ${NVIDIA_PYTHON} -c "import nvidia; print(*nvidia.__path__, sep=';', end='')"
      OUTPUT_VARIABLE wheels ERROR_QUIET)
    foreach(wheel IN ITEMS ${wheels})
      file(GLOB inside ${wheel}/*)
      list(APPEND folders ${wheel}/cu${CUDAToolkit_VERSION_MAJOR} ${inside})
    endforeach()
  endif()
  list(REMOVE_DUPLICATES folders)

  find_path(${name}_INCLUDE_DIR ${header} HINTS ${folders} PATH_SUFFIXES include targets/x86_64-linux/include)
  find_library(${name}_LIBRARY NAMES ${ARGN} NAMES_PER_DIR HINTS ${folders}
    PATH_SUFFIXES lib lib64 targets/x86_64-linux/lib)
  if(${name}_INCLUDE_DIR AND EXISTS ${${name}_INCLUDE_DIR}/${version_header})
    file(STRINGS ${${name}_INCLUDE_DIR}/${version_header} lines REGEX "^#define ${pattern} +[0-9]+")
    string(REGEX MATCHALL " [0-9]+" numbers "${lines}")
    string(REPLACE ";" "." ${name}_VERSION "${numbers}")
    string(REPLACE " " "" ${name}_VERSION "${${name}_VERSION}")
  endif()
  string(JOIN " " folders ${folders})
  include(FindPackageHandleStandardArgs)
  find_package_handle_standard_args(${name} REQUIRED_VARS ${name}_LIBRARY ${name}_INCLUDE_DIR VERSION_VAR ${name}_VERSION
    REASON_FAILURE_MESSAGE "looked in ${folders} and where the system keeps libraries. Install ${packages}, activate the \
Python environment that has it, or set ${name}_ROOT, or ${name}_LIBRARY and ${name}_INCLUDE_DIR")
  if(${name}_FOUND AND NOT TARGET ${name}::${name})
    add_library(${name}::${name} UNKNOWN IMPORTED)
    set_target_properties(${name}::${name} PROPERTIES IMPORTED_LOCATION ${${name}_LIBRARY}
      INTERFACE_INCLUDE_DIRECTORIES ${${name}_INCLUDE_DIR})
  endif()
endmacro()
