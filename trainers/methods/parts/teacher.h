#pragma once
#include <string>
#include <utility>

#include "trainers/methods/parts/other_network.h"

namespace TEMPER_API temper {

/// A trained network that a method learns from and never changes, configured by a section of its own:
///   teacher: {model: {name: wide_resnet, depth: 34, width: 10}, weights: runs/NAME/checkpoints/best.safetensors}
/// It normalises by its running statistics, which stay as they are. A method calls its fields() in fields(), check() in
/// check() and begin() in begin(), and returns part() among its parts(): checkpoints hold it, so that a resume goes on
/// with the same teacher even if its file has changed.
class Teacher {
 public:
  Teacher(std::string name, std::string architecture = "small_cnn") : of_(std::move(name), std::move(architecture)) {}

  /// Reads the section NAME.
  void fields(Fields& f) {
    Fields own = f.enter(of_.name().c_str());
    of_.fields(own);
    f.leave(of_.name().c_str(), own);
  }
  /// Throws Error if no weights are named; `f` is the method's section.
  void check(const Fields& f) const { of_.check_named(f); }
  void begin(const TrainContext& context) { of_.begin(context); }
  MethodPart part() const { return of_.part(MethodPart::Moved::by_method); }
  const Network& network() const { return of_.network(); }

  /// Its logits for images, in the engine's arena, without a tape.
  Tensor logits(const TrainContext& context, const Tensor& images) const;

 private:
  OtherNetwork of_;
};

}  // namespace temper
