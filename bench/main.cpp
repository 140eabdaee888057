// temper-bench: what runs how fast, as JSON.
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "bench/step.h"

using namespace temper;
using bench::StepOptions;

int main(int argc, char** argv) {
  CLI::App app("Measures Temper and prints JSON");
  app.require_subcommand(1);
  StepOptions o;
  std::string file;
  CLI::App* step = app.add_subcommand("step", "whole training steps on CIFAR-10's shapes");
  step->add_option("--model", o.model, "a network of `temper list`")->capture_default_str();
  step->add_option("--batch", o.batch)->capture_default_str()->check(CLI::PositiveNumber);
  step->add_option("--method", o.method, "standard, pgd_at or trades")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, StepOptions::Method>{{"standard", StepOptions::Method::standard},
                                                     {"pgd_at", StepOptions::Method::pgd_at},
                                                     {"trades", StepOptions::Method::trades}}));
  step->add_option("--attack-steps", o.attack_steps)->capture_default_str()->check(CLI::NonNegativeNumber);
  step->add_option("--compute", o.compute, "f32 or bf16")
      ->transform(CLI::CheckedTransformer(std::map<std::string, DType>{{"f32", DType::f32}, {"bf16", DType::bf16}}));
  step->add_option("--threads", o.threads, "CPU threads; 0: all")->capture_default_str();
  step->add_option("--repeat", o.repeat, "timed steps")->capture_default_str()->check(CLI::PositiveNumber);
  step->add_option("--json", file, "write the result here too");
  CLI11_PARSE(app, argc, argv);
  try {
    const std::string text = bench::time_steps(o).dump(2);
    std::cout << text << "\n";
    if (!file.empty()) std::ofstream(file) << text << "\n";
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "temper-bench: " << e.what() << "\n";
    return 1;
  }
}
