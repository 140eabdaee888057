# The standard library's headers, which every file includes, are parsed once, and Catch2's for tests. None of Temper's own:
# touching one has to compile what includes it, and nothing else. The names carry no path, so that a compiler cache serves other
# checkouts with the result.
option(TEMPER_PRECOMPILE "Precompile headers of the standard library and of Catch2 (GCC)" ON)
set(TEMPER_PRECOMPILED <algorithm> <array> <atomic> <charconv> <chrono> <cmath> <condition_variable> <cstdint> <cstring>
  <filesystem> <fstream> <functional> <iostream> <limits> <map> <memory> <mutex> <numeric> <optional> <random> <set> <span>
  <sstream> <string> <string_view> <thread> <tuple> <unordered_map> <utility> <variant> <vector>)

# temper_precompile(TARGET [HEADER...]), or temper_precompile(TARGET LIKE OTHER) where OTHER, if it is another target, has the same
# options.
function(temper_precompile target)
  if(NOT TEMPER_PRECOMPILE OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LIKE" "")
  if(TARGET "${arg_LIKE}" AND NOT arg_LIKE STREQUAL target)
    target_precompile_headers(${target} REUSE_FROM ${arg_LIKE})
  else()
    target_precompile_headers(${target} PRIVATE ${TEMPER_PRECOMPILED} ${arg_UNPARSED_ARGUMENTS})
  endif()
  # What ccache asks for; and of precompiled code GCC reports what it keeps to itself in a system's header.
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread>)
endfunction()
