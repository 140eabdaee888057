#include <unistd.h>

#include <iostream>

#include "apps/cli.h"
#include "core/plans/plan_workers.h"

int main(int argc, char** argv) {
  temper::fill_standard_descriptors();
  if (const auto code = temper::serve_plans(argc, argv)) return *code;
  return temper::run_cli({argv + 1, argv + argc}, {std::cout, std::cerr, temper::Terminal::of(STDOUT_FILENO), argv[0]});
}
