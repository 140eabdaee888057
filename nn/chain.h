#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nn/module.h"

namespace TEMPER_API temper {

/// Modules in sequence; the output of each can be tapped under its name.
class Chain : public Module {
 public:
  void add(std::string name, std::unique_ptr<Module> module) { parts_.push_back({std::move(name), std::move(module)}); }
  Var forward(Tape& tape, const Var& x, const Pass& pass) const override {
    Var y = x;
    for (const Part& p : parts_) y = tap(pass, p.name, p.module->forward(tape, y, pass));
    return y;
  }

 private:
  struct Part {
    std::string name;
    std::unique_ptr<Module> module;
  };
  std::vector<Part> parts_;
};

}  // namespace temper
