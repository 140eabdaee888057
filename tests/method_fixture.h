#pragma once
// Every registered method on the toy data of training_fixture.h, as its own listing of keys describes it.
#include <string>
#include <utility>
#include <vector>

namespace temper::test {

/// A method's section, and what of an experiment goes with it.
using MethodSetting = std::pair<std::string, std::vector<std::string>>;

/// Every method with its defaults, an attack that suits the images, and what changes from step to step: learning rate,
/// averages, augmentation.
std::vector<MethodSetting> every_method();

/// The same, and every method with each other value of each of its switches, one at a time. What its keys refuse
/// without another key is left out.
std::vector<MethodSetting> every_variant();

}  // namespace temper::test
