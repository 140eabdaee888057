# Everything outside the project, by find_package. `scripts/install_deps` installs all of it on Debian and Ubuntu.
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(Eigen3 3.3 REQUIRED NO_MODULE)
find_package(yaml-cpp REQUIRED)
set(TEMPER_YAML $<IF:$<TARGET_EXISTS:yaml-cpp::yaml-cpp>,yaml-cpp::yaml-cpp,yaml-cpp>)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
find_package(libzip REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)  # checksums of data sets
find_package(PNG REQUIRED)
find_package(TurboJPEG REQUIRED)
find_package(WebP REQUIRED)
find_package(CURL QUIET)  # `temper data fetch`
set(TEMPER_HAVE_CURL ${CURL_FOUND})

set(TEMPER_HAVE_ONEDNN OFF)
if(TEMPER_ONEDNN)
  find_package(dnnl QUIET)
  if(dnnl_FOUND)
    set(TEMPER_ONEDNN_LIBRARY DNNL::dnnl)
    set(TEMPER_HAVE_ONEDNN ON)
  else()
    message(WARNING "oneDNN was not found: convolutions on the CPU will use the slow reference; "
      "install libdnnl-dev or set -DTEMPER_ONEDNN=OFF to silence this")
  endif()
endif()
