# Sourced by the scripts beside it: where the project is, how it is built, how a check says that it was skipped.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs=$(nproc)

# CMake as the presets need it; an older one says only that it does not understand them.
check_cmake() {
  local needed=3.25 found
  found=$(cmake --version 2> /dev/null | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
  if [ -z "$found" ] || [ "$(printf '%s\n' "$needed" "$found" | sort -V | head -1)" != "$needed" ]; then
    echo "expected CMake $needed or newer, got ${found:-none}${found:+ at $(command -v cmake)};" \
      "scripts/install_deps installs one, and PATH decides which is found first" >&2
    return 1
  fi
}

# configure PRESET [cmake -D...]: through ccache where there is one, with the options in TEMPER_CMAKE, one word each.
configure() {
  local preset=$1 launcher=() options
  shift
  check_cmake || return
  if command -v ccache > /dev/null; then
    # What ccache asks for before it serves files that use a precompiled header (cmake/precompiled.cmake).
    launcher=("-DCMAKE_CXX_COMPILER_LAUNCHER=env;CCACHE_SLOPPINESS=pch_defines,time_macros;ccache")
    case $preset in cuda | bundle) launcher+=(-DCMAKE_CUDA_COMPILER_LAUNCHER=ccache) ;; esac
  fi
  read -ra options <<< "${TEMPER_CMAKE:-}"
  cmake --preset "$preset" "${launcher[@]}" "${options[@]}" "$@"
}
# build PRESET [cmake -D...]: configures and builds one preset.
build() {
  configure "$@"
  cmake --build --preset "$1" -j "$jobs"
}

# A check that cannot run here ends with skip: .ci/run shows it as skipped, never as passed.
kSkipped=77
skip() {
  echo "SKIPPED: $*"
  exit $kSkipped
}

# Prints the comment at the head of a script, for --help.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }
if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  usage
  exit 0
fi
