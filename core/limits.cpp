#include "core/limits.h"

#include <charconv>
#include <cmath>
#include <cstdint>

#include "kernels/runtime/check.h"

namespace temper {

namespace {

template <class T>
std::string shortest(T v) {
  char buffer[40];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, v).ptr};
}

}  // namespace

std::string number_text(double v) {
  // Whole numbers in full: 1000000, not 1e+06.
  if (std::abs(v) < 1e15 && v == std::floor(v)) return shortest(static_cast<int64_t>(v));
  // One that was read into 32 bits as it was written: 0.1, not 0.10000000149011612.
  if (std::abs(v) > std::numeric_limits<float>::max()) return shortest(v);
  const auto narrow = static_cast<float>(v);
  return static_cast<double>(narrow) == v ? shortest(narrow) : shortest(v);
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
