#pragma once
// The benchmarks' command in this process.
#include <sstream>
#include <string>
#include <vector>

#include "bench/cli.h"

namespace temper::bench {

struct Ran {
  int code;
  std::string out, err;
};

inline Ran bench_command(std::vector<std::string> args, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out, err;
  const int code = run_bench(args, in, out, err);
  return {code, out.str(), err.str()};
}

}  // namespace temper::bench
