# The headers of a user of Temper: those that say TEMPER_API (kernels/runtime/api.h), as <temper/attacks/pgd.h>. In the
# source tree they include each other as "core/tape.h", which a program with a core/ of its own would take for its own.
# So a build copies them into headers/temper, where they say "temper/core/tape.h", and nothing else is on a user's include
# path.
set(candidates)
foreach(part IN LISTS TEMPER_PARTS)
  file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${part}/*.h ${part}/*.cuh)
  list(APPEND candidates ${found})
endforeach()
set(public_headers)
foreach(header IN LISTS candidates)
  file(STRINGS ${header} public REGEX "TEMPER_API" LIMIT_COUNT 1)
  if(public)
    list(APPEND public_headers ${header})
  endif()
endforeach()

set(TEMPER_HEADERS ${PROJECT_BINARY_DIR}/headers)
list(JOIN public_headers "\n" list)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/public_headers.txt CONTENT "${list}\n" @ONLY)
list(TRANSFORM candidates PREPEND ${PROJECT_SOURCE_DIR}/)
list(TRANSFORM public_headers PREPEND ${TEMPER_HEADERS}/temper/ OUTPUT_VARIABLE copies)
list(JOIN TEMPER_PARTS "|" parts)
add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/public_headers.stamp BYPRODUCTS ${copies}
  COMMAND ${CMAKE_COMMAND} -DFROM=${PROJECT_SOURCE_DIR} -DTO=${TEMPER_HEADERS}/temper "-DPARTS=${parts}"
    -DPUBLIC=${PROJECT_BINARY_DIR}/public_headers.txt -P ${PROJECT_SOURCE_DIR}/cmake/copy_headers.cmake
  COMMAND ${CMAKE_COMMAND} -E touch ${PROJECT_BINARY_DIR}/public_headers.stamp
  DEPENDS ${candidates} ${PROJECT_BINARY_DIR}/public_headers.txt ${PROJECT_SOURCE_DIR}/cmake/copy_headers.cmake
  COMMENT "Public headers" VERBATIM)
add_custom_target(temper_headers ALL DEPENDS ${PROJECT_BINARY_DIR}/public_headers.stamp)
