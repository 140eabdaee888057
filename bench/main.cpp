#include <iostream>

#include "bench/cli.h"
#include "core/plans/plan_workers.h"

int main(int argc, char** argv) {
  if (const auto code = temper::serve_plans(argc, argv)) return *code;
  return temper::bench::run_bench({argv + 1, argv + argc}, std::cin, std::cout, std::cerr);
}
