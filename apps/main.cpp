#include <unistd.h>

#include <iostream>

#include "apps/cli.h"

int main(int argc, char** argv) {
  return temper::run_cli({argv + 1, argv + argc}, {std::cout, std::cerr, temper::Terminal::of(STDOUT_FILENO), argv[0]});
}
