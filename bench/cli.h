#pragma once
#include <iosfwd>
#include <string>
#include <vector>

namespace temper::bench {

/// Exit codes: 0 success; 1 an error, or a regression that `compare` found; 2 wrong usage or unusable input.
inline constexpr int kExitOk = 0, kExitWorse = 1, kExitUnusable = 2;

/// The temper-bench command. `args` excludes the program's name. Never throws.
int run_bench(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace temper::bench
