#pragma once
// Real data sets and trained networks that are not part of the project. They are looked for in $TEMPER_TEST_DATA, in
// $TEMPER_DATA, and in a folder shared/data beside the source tree (or one above). Tests that find nothing skip,
// visibly.
#include <cstdlib>
#include <filesystem>
#include <string>
#include "source_dir.h"

namespace temper::test {

/// The path of `name` in the folder of real data, or "" when it is not there.
inline std::string real_data(const std::string& name) {
  namespace fs = std::filesystem;
  const fs::path source = TEMPER_SOURCE_DIR;
  const auto given = [](const char* variable) {
    const char* folder = std::getenv(variable);
    return fs::path(folder ? folder : "");
  };
  for (const fs::path& root :
       {given("TEMPER_TEST_DATA"), given("TEMPER_DATA"), source / "../shared/data", source / "../../shared/data"})
    if (!root.empty() && fs::exists(root / name)) return (root / name).lexically_normal().string();
  return {};
}

/// The folder with CIFAR-10's binary files, or "": as found, or unpacked once into a cache by the `unpack` script that
/// stands beside the packed images.
inline std::string real_cifar10() {
  namespace fs = std::filesystem;
  if (const std::string ready = real_data("cifar-10-batches-bin"); !ready.empty()) return ready;
  if (const std::string ready = real_data("cifar10/test_batch.bin"); !ready.empty())
    return fs::path(ready).parent_path().string();
  const std::string unpack = real_data("unpack");
  if (unpack.empty()) return {};
  const fs::path cache = fs::temp_directory_path() / "temper-test-cifar-10-batches-bin";
  if (!fs::exists(cache / "complete")) {
    const std::string command = "'" + unpack + "' '" + cache.string() + "' > '" + cache.string() +
                                ".log' 2>&1 && touch '" + (cache / "complete").string() + "'";
    if (std::system(command.c_str()) != 0) return {};
  }
  return cache.string();
}

}  // namespace temper::test
