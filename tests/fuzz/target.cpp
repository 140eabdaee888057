#include "tests/fuzz/target.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "tests/fixtures/temporary_folder.h"

namespace temper::fuzz {

std::map<std::string, Target>& targets() {
  static std::map<std::string, Target> all;
  return all;
}

void promise(bool holds) {
  if (!holds) std::abort();
}

std::string folder() {
  static const test::TemporaryFolder made;
  return made.path().string();
}

std::string as_file(const std::string& name, Bytes bytes) {
  const std::filesystem::path file = std::filesystem::path(folder()) / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return file.string();
}

std::string as_text(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

std::vector<Bytes> pieces(Bytes bytes, size_t count) {
  std::vector<Bytes> all;
  while (all.size() + 1 < count) {
    const auto end = std::find(bytes.begin(), bytes.end(), uint8_t{0xff});
    all.emplace_back(bytes.begin(), end);
    bytes = {end == bytes.end() ? end : end + 1, bytes.end()};
  }
  all.push_back(bytes);
  return all;
}

}  // namespace temper::fuzz
