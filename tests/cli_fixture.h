#pragma once
// The temper command in this process.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "apps/cli.h"

namespace temper::test {

struct Ran {
  int code;
  std::string out, err;
};

inline Ran temper_command(const std::vector<std::string>& args) {
  std::ostringstream out, err;
  const int code = run_cli(args, {out, err, {}});
  return {code, out.str(), err.str()};
}

inline std::string slurp(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace temper::test
