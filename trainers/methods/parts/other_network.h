#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// The value of `weights` for a network that starts from the seed.
inline constexpr const char* kUntrained = "untrained";

/// A network beside the one in training, as a section of a method's configuration describes it:
///   NAME: {model: {name: resnet18, mean: [], std: []}, weights: FILE}
/// Its images and classes are those of the run. A Companion has its own optimiser, a Teacher never changes, and a part
/// that moves with_network is trained with the network.
class OtherNetwork {
 public:
  OtherNetwork(std::string name, std::string architecture)
      : name_(std::move(name)), default_architecture_(std::move(architecture)) {}

  const std::string& name() const { return name_; }
  /// Reads the keys `model` and `weights` of its section.
  void fields(Fields& own);
  /// Throws Error, at the place of the section in `method`, if it names no weights.
  void check_named(const Fields& method) const;
  /// Makes the network, with `outputs` outputs (0: one for each class). Its weights come from the file, or else from
  /// the run's seed and this name. Throws Error if the file does not exist, or is of other classes or another network.
  void begin(const TrainContext& context, int64_t outputs = 0);
  Network& network() const { return *network_; }
  MethodPart part(MethodPart::Moved moved) const {
    return {.name = name_, .weights = &network_->weights(), .moved = moved};
  }

 private:
  bool has_file() const { return !weights_.empty() && weights_ != kUntrained; }

  std::string name_, default_architecture_, weights_;
  std::unique_ptr<Architecture> architecture_;
  std::vector<double> mean_, std_;
  std::unique_ptr<Network> network_;
};

/// Overrides, "trainer.KEY=untrained", with which a method needs no files of weights; `keys` are those it lists. For
/// measuring and checking its steps.
std::vector<std::string> without_files(const std::vector<FieldDoc>& keys);

}  // namespace temper
