#include "nn/resnet.h"

namespace temper {
namespace {

/// The CIFAR networks of He et al. 2016, section 4.2: 6n + 2 layers, 16-32-64 channels, He-normal (fan in) weights.
template <int n>
struct CifarResNet : Architecture {
  Shortcut shortcut = Shortcut::pad;

  void fields(Fields& f) override {
    f.choice("shortcut", shortcut, {{"pad", Shortcut::pad}, {"projection", Shortcut::projection}},
             "shortcut where the shape changes: option A (pad, no parameters) or B (projection) of the paper");
  }
  std::unique_ptr<Module> build(const Builder& b, const DataShape& data) const override {
    return std::make_unique<ResNet>(
        b, data,
        ResNetSpec{.widths = {16, 32, 64}, .blocks = {n, n, n}, .shortcut = shortcut, .init = init::he_in_rule});
  }
};
using ResNet20 = CifarResNet<3>;
using ResNet32 = CifarResNet<5>;
using ResNet44 = CifarResNet<7>;
using ResNet56 = CifarResNet<9>;
using ResNet110 = CifarResNet<18>;
TEMPER_REGISTER(Architecture, ResNet20, "resnet20", "CIFAR ResNet-20, 16-32-64 channels; 0.27 M");
TEMPER_REGISTER(Architecture, ResNet32, "resnet32", "CIFAR ResNet-32, 16-32-64 channels; 0.46 M");
TEMPER_REGISTER(Architecture, ResNet44, "resnet44", "CIFAR ResNet-44, 16-32-64 channels; 0.66 M");
TEMPER_REGISTER(Architecture, ResNet56, "resnet56", "CIFAR ResNet-56, 16-32-64 channels; 0.85 M");
TEMPER_REGISTER(Architecture, ResNet110, "resnet110", "CIFAR ResNet-110, 16-32-64 channels; 1.7 M");

}  // namespace
}  // namespace temper
