#include "trainers/records/step_differences.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/text.h"

namespace temper {

namespace {

using Part = StepDifferences::Part;

constexpr double kInfinite = std::numeric_limits<double>::infinity();

double larger(double a, double b) { return a >= b ? a : std::isnan(b) ? kInfinite : b; }

// For numbers near zero the absolute error counts.
constexpr double kSmall = 1e-3;

double relative_error(double a, double b, double least = kSmall) {
  return std::abs(a - b) / std::max({std::abs(a), std::abs(b), least});
}

double relative_distance(const StepRecord::Values& a, const StepRecord::Values& b, double unit) {
  if (a.size() != b.size()) return kInfinite;
  const double distance = l2_distance(a, b);
  return distance == 0 ? 0 : larger(0, distance / unit);
}

double norm(const StepRecord::Values& values) { return l2_distance(values, StepRecord::Values(values.size())); }

// The share of the pixels of one step that differ from the other record.
double moved_pixels(const StepRecord& a, const StepRecord& b, size_t step) {
  constexpr float kSame = 1e-5f;
  const size_t count = a.images.size() / static_cast<size_t>(a.steps), begin = step * count;
  if (count == 0) return 0;
  size_t moved = 0;
  for (size_t i = begin; i < begin + count; ++i) moved += !(std::abs(a.images[i] - b.images[i]) <= kSame);
  return static_cast<double>(moved) / static_cast<double>(count);
}

bool same_content(const StepRecord& a, const StepRecord& b) {
  if (a.steps != b.steps || a.numbers.size() != b.numbers.size() || a.images.size() != b.images.size() ||
      !b.numbers.count("loss"))
    return false;
  return std::all_of(a.numbers.begin(), a.numbers.end(), [&](const auto& number) {
    const auto other = b.numbers.find(number.first);
    return other != b.numbers.end() && other->second.size() == number.second.size();
  });
}

Part of_step(const StepRecord& a, const StepRecord& b, size_t step) {
  Part p{.images = moved_pixels(a, b, step)};
  const double loss = std::max(std::abs(b.numbers.at("loss")[step]), kSmall);
  for (const auto& [name, values] : a.numbers) {
    double& kept = name == "gradient" ? p.gradient : p.loss;
    const bool whole = name == "gradient" || name == "loss";
    // A small term, such as a KL divergence, may differ much although the loss as a whole does not.
    kept = larger(kept, relative_error(values[step], b.numbers.at(name)[step], whole ? kSmall : loss));
  }
  return p;
}

}  // namespace

StepDifferences differences(const StepRecord& record, const StepRecord& reference) {
  StepDifferences d;
  if (!same_content(record, reference)) {
    d.first = d.all = {kInfinite, kInfinite, kInfinite};
    d.weights = d.statistics = kInfinite;
    return d;
  }
  d.first = of_step(record, reference, 0);
  for (int64_t step = 0; step < record.steps; ++step) {
    const Part p = of_step(record, reference, static_cast<size_t>(step));
    d.all = {larger(d.all.loss, p.loss), larger(d.all.gradient, p.gradient), larger(d.all.images, p.images)};
  }
  d.weights = relative_distance(record.weights, reference.weights, reference.moved);
  d.statistics = relative_distance(record.statistics, reference.statistics, norm(reference.statistics));
  return d;
}

std::vector<std::string> beyond(const StepDifferences& found, const StepDifferences& tolerance, double factor) {
  std::vector<std::string> lines;
  const auto check = [&](const char* what, double value, double limit) {
    if (!(value <= factor * limit)) lines.push_back(cat(what, " ", value, ", more than ", factor * limit));
  };
  check("loss of the first step", found.first.loss, tolerance.first.loss);
  check("gradient of the first step", found.first.gradient, tolerance.first.gradient);
  check("images of the first step", found.first.images, tolerance.first.images);
  check("loss", found.all.loss, tolerance.all.loss);
  check("gradient", found.all.gradient, tolerance.all.gradient);
  check("images", found.all.images, tolerance.all.images);
  check("weights", found.weights, tolerance.weights);
  check("statistics", found.statistics, tolerance.statistics);
  return lines;
}

std::vector<std::string> unequal(const StepRecord& a, const StepRecord& b) {
  std::vector<std::string> names;
  const auto check = [&](const std::string& what, bool same) {
    if (!same) names.push_back(what);
  };
  for (const auto& [name, values] : a.numbers) check(name, b.numbers.count(name) && b.numbers.at(name) == values);
  check("the list of numbers", a.numbers.size() == b.numbers.size());
  check("images", a.images == b.images);
  check("weights", a.weights == b.weights);
  check("statistics", a.statistics == b.statistics);
  return names;
}

StepDifferences step_tolerance(Precision precision) {
  switch (precision) {
    case Precision::f64:
    case Precision::f32:
      return {.first = {.loss = 5e-4, .gradient = 5e-3, .images = 0.1},
              .all = {.loss = 0.03, .gradient = 0.3, .images = 0.4},
              .weights = 0.5,
              .statistics = 0.2};
    case Precision::tf32:
    case Precision::f16:
      return {.first = {.loss = 2e-3, .gradient = 0.03, .images = 0.6},
              .all = {.loss = 0.1, .gradient = 0.4, .images = 0.7},
              .weights = 0.8,
              .statistics = 0.4};
    case Precision::bf16:
      return {.first = {.loss = 5e-3, .gradient = 0.1, .images = 0.75},
              .all = {.loss = 0.1, .gradient = 0.4, .images = 0.8},
              .weights = 1,
              .statistics = 0.5};
  }
  return {};
}

}  // namespace temper
