#pragma once
#include "trainers/methods/parts/teacher.h"

namespace TEMPER_API temper {

/// A robust and a natural teacher, and how the loss is shared among them and the labels: the sections `teacher` and
/// `natural_teacher` of a method and the keys `robust_weight` and `natural_weight`. The labels have the rest.
struct TwoTeachers {
  Teacher robust{"teacher"}, natural{"natural_teacher"};
  float robust_weight, natural_weight;

  TwoTeachers(float robust_weight, float natural_weight)
      : robust_weight(robust_weight), natural_weight(natural_weight) {}
  float label_weight() const { return 1 - robust_weight - natural_weight; }

  void fields(Fields& f) {
    f("robust_weight", robust_weight, Limits::between(0, 1), "share of the robust teacher in the loss");
    f("natural_weight", natural_weight, Limits::between(0, 1),
      "share of the naturally trained teacher; the labels have the rest");
    if (robust_weight + natural_weight > 1)
      f.reject("natural_weight", "expected at most ", 1 - robust_weight, ", because robust_weight is ", robust_weight,
               ", got ", natural_weight, "; lower one of the two");
    robust.fields(f);
    natural.fields(f);
  }
  void check(const Fields& f) const {
    robust.check(f);
    natural.check(f);
  }
  void begin(const TrainContext& context) {
    robust.begin(context);
    natural.begin(context);
  }
  std::vector<MethodPart> parts() const { return {robust.part(), natural.part()}; }
};

}  // namespace temper
