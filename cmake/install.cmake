# cmake --install: headers, library, CMake package, the temper command, and what Temper ships (share/temper).
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/temper)

install(TARGETS temper temper_library temper_usage EXPORT temperTargets)
if(NOT BUILD_SHARED_LIBS)  # whoever links the archive links what it needs
  install(TARGETS temper_links EXPORT temperTargets)
endif()
install(EXPORT temperTargets NAMESPACE temper:: DESTINATION ${package_dir})
configure_package_config_file(cmake/temperConfig.cmake.in temperConfig.cmake INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(temperConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/temperConfig.cmake ${PROJECT_BINARY_DIR}/temperConfigVersion.cmake
  cmake/Findlibzip.cmake cmake/FindTurboJPEG.cmake cmake/FindWebP.cmake cmake/FindcublasLt.cmake cmake/FindcuDNN.cmake cmake/nvidia_library.cmake DESTINATION ${package_dir})
install(DIRECTORY ${TEMPER_HEADERS}/temper DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/temper)
foreach(shipped configs data/shipped)
  if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/${shipped})
    get_filename_component(parent ${shipped} DIRECTORY)
    install(DIRECTORY ${shipped} DESTINATION ${CMAKE_INSTALL_DATADIR}/temper/${parent})
  endif()
endforeach()
