// temper_fuzz TARGET [libFuzzer's options] [CORPUS...]: feeds one parser; scripts/fuzz runs them all.
#include <cstdio>
#include <cstdlib>

#include "kernels/runtime/check.h"
#include "tests/fuzz/target.h"

namespace {

temper::fuzz::Target chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const auto& all = temper::fuzz::targets();
  const auto found = *argc > 1 ? all.find((*argv)[1]) : all.end();
  if (found == all.end()) {  // the list, for scripts
    for (const auto& [name, target] : all) std::printf("%s\n", name.c_str());
    std::exit(*argc > 1 ? 2 : 0);
  }
  chosen = found->second;
  (*argv)[1] = (*argv)[0];
  ++*argv;
  --*argc;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    chosen({data, size});
  } catch (const temper::Error&) {
  }
  return 0;
}
