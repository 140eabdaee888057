#pragma once
#include <limits>
#include <string>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

/// The shortest text that reads back as the same number: 0.1, 1000000, 1e-07.
std::string number_text(double v);

/// The values that a number may have, declared with its key. A value outside the limits is refused; one that is allowed
/// but not usual gives a warning, because it is probably a mistake. Infinities and NaN are never allowed.
class Limits {
 public:
  static constexpr Limits any() { return {}; }
  static constexpr Limits at_least(double low) {
    Limits l;
    l.low_ = low;
    return l;
  }
  static constexpr Limits above(double low) {
    Limits l = at_least(low);
    l.low_end_ = End::excluded;
    return l;
  }
  static constexpr Limits between(double low, double high) { return at_least(low).up_to(high); }

  constexpr Limits up_to(double high) const {
    Limits l = *this;
    l.high_ = high;
    return l;
  }
  constexpr Limits below(double high) const {
    Limits l = up_to(high);
    l.high_end_ = End::excluded;
    return l;
  }
  /// 0 is allowed and usual whatever the other limits: it has a meaning of its own, such as "off".
  constexpr Limits or_zero() const {
    Limits l = *this;
    l.zero_ = Zero::special;
    return l;
  }
  /// Both ends are usual.
  constexpr Limits usually(double low, double high) const {
    Limits l = *this;
    l.usual_low_ = low;
    l.usual_high_ = high;
    return l;
  }

  bool allow(double v) const;
  bool usual(double v) const;
  /// "0 or more", "more than 0 and below 1", "0, or 2 to 9"; empty: any number.
  std::string text() const;
  /// "0.1 to 10"; empty: whatever is allowed.
  std::string usual_text() const;

 private:
  enum class End : unsigned char { included, excluded };
  enum class Zero : unsigned char { number, special };
  static constexpr double kNone = std::numeric_limits<double>::infinity();
  constexpr Limits() = default;

  double low_ = -kNone, high_ = kNone;
  End low_end_ = End::included, high_end_ = End::included;
  Zero zero_ = Zero::number;
  double usual_low_ = -kNone, usual_high_ = kNone;
};

}  // namespace temper
