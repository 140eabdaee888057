# Sourced by the scripts beside it: where the project is, how it is built, how a check says that it was skipped.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs=$(nproc)

# configure PRESET [cmake -D...]: through ccache where there is one, with the options in TEMPER_CMAKE, one word each.
configure() {
  local preset=$1 launcher=() options
  shift
  if command -v ccache > /dev/null; then
    launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
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
