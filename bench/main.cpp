#include <iostream>

#include "bench/cli.h"

int main(int argc, char** argv) {
  return temper::bench::run_bench({argv + 1, argv + argc}, std::cin, std::cout, std::cerr);
}
