# Tells core/environment/environment.cpp, and nothing else, which commit it is built from; configures again after a commit.
set(TEMPER_COMMIT unknown)
find_package(Git QUIET)
if(Git_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty --abbrev=12 --match=v* WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --absolute-git-dir WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    OUTPUT_VARIABLE git_dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed)
    set(TEMPER_COMMIT ${described})
    if(EXISTS ${git_dir}/logs/HEAD)
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${git_dir}/logs/HEAD)
    endif()
  endif()
endif()
string(REPLACE ";" " " architectures "${CMAKE_CUDA_ARCHITECTURES}")
set_source_files_properties(core/environment/environment.cpp core/environment/environment_cuda.cpp PROPERTIES COMPILE_DEFINITIONS
  "TEMPER_VERSION=\"${PROJECT_VERSION}\";TEMPER_COMMIT=\"${TEMPER_COMMIT}\";TEMPER_BUILD_TYPE=\"${CMAKE_BUILD_TYPE}\";TEMPER_CUDA_ARCHITECTURES=\"${architectures}\"")
