#include "core/limits.h"

#include <charconv>
#include <cmath>
#include <cstdint>

#include "kernels/runtime/check.h"

namespace temper {

std::string number_text(double v) {
  char buffer[40];
  // Whole numbers in full: 1000000, not 1e+06.
  const bool whole = std::abs(v) < 1e15 && v == std::floor(v);
  const auto end = whole ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<int64_t>(v)).ptr
                         : std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  return {buffer, end};
}

bool Limits::allow(double v) const {
  if (!std::isfinite(v)) return false;
  if (zero_ == Zero::special && v == 0) return true;
  const bool low = low_end_ == End::included ? v >= low_ : v > low_;
  const bool high = high_end_ == End::included ? v <= high_ : v < high_;
  return low && high;
}

bool Limits::usual(double v) const {
  return (zero_ == Zero::special && v == 0) || (v >= usual_low_ && v <= usual_high_);
}

std::string Limits::text() const {
  std::string out;
  const bool from = std::isfinite(low_), to = std::isfinite(high_);
  if (from && to && low_end_ == End::included && high_end_ == End::included)
    out = cat(number_text(low_), " to ", number_text(high_));
  else {
    if (from) out = low_end_ == End::included ? number_text(low_) + " or more" : "more than " + number_text(low_);
    if (from && to) out += " and ";
    if (to) out += (high_end_ == End::included ? "up to " : "below ") + number_text(high_);
  }
  return zero_ == Zero::special && !out.empty() && !(from && low_ == 0) ? "0, or " + out : out;
}

std::string Limits::usual_text() const {
  if (!std::isfinite(usual_low_) && !std::isfinite(usual_high_)) return "";
  return cat(number_text(usual_low_), " to ", number_text(usual_high_));
}

}  // namespace temper
