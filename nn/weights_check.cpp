#include "nn/weights_check.h"

#include <cmath>

#include "core/host.h"
#include "core/square_norm.h"
#include "core/text.h"

namespace temper {

namespace {

/// The place of element i, as PyTorch counts.
std::string place(const Shape& shape, int64_t i) {
  std::vector<int64_t> at(static_cast<size_t>(shape.rank()));
  for (size_t d = at.size(); d-- > 0;) {
    const int64_t extent = shape[static_cast<int>(d)];
    at[d] = i % extent;
    i /= extent;
  }
  if (at.size() == 4) at = {at[0], at[3], at[1], at[2]};
  std::vector<std::string> parts;
  for (const int64_t k : at) parts.push_back(std::to_string(k));
  return "[" + join(parts) + "]";
}

bool finite(Engine& engine, const ParamBuffer& buffer) {
  const Arena::Scope scope(engine.arena());
  const Tensor norm = engine.arena().tensor({1}, buffer.dtype());
  square_norm(engine, buffer, norm);
  return std::isfinite(host_values(engine, norm)[0]);
}

}  // namespace

std::optional<std::string> weights_fault(const std::string& name, const Shape& shape,
                                         const std::vector<double>& values) {
  const bool variance = name.ends_with("running_var");
  for (size_t i = 0; i < values.size(); ++i) {
    const double v = values[i];
    if (!std::isfinite(v))
      return cat("'", name, "' holds ", v, " at ", place(shape, static_cast<int64_t>(i)),
                 ", which makes all outputs useless; the file is damaged, or training diverged before it was written");
    if (variance && v < 0)
      return cat("'", name, "' holds ", v, " at ", place(shape, static_cast<int64_t>(i)),
                 ", but a variance cannot be below 0; the file is damaged, or this is another array");
  }
  return {};
}

void check_weights(const ParamBuffer& buffer, const std::string& who) {
  for (int i = 0; i < buffer.layout().count(); ++i) {
    const Param& p = buffer.layout()[i];
    if (const auto fault = weights_fault(p.name, p.shape, buffer.read(i))) fail(who, ": ", *fault);
  }
}

void check_weights(Engine& engine, const Weights& weights, const std::string& who) {
  check_weights(weights.buffers, who);
  if (weights.params.layout().count() > 0 && !finite(engine, weights.params)) check_weights(weights.params, who);
}

}  // namespace temper
