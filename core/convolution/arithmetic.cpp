#include "core/convolution/arithmetic.h"

namespace temper {

namespace {

bool inside_kernel(const std::vector<RangeLog::Node>& nodes, const RangeLog::Node& n) {
  for (int i = n.parent; i > 0; i = nodes[i].parent)
    if (nodes[i].kind == RangeKind::kernel) return true;
  return false;
}

double& kind_of(Arithmetic& a, const std::string& range) {
  if (range == "conv2d_backward_filter") return a.filter_gradient;
  return range.starts_with("conv2d_backward_data") ? a.data_gradient : a.forward;
}

}  // namespace

Arithmetic& Arithmetic::operator+=(const Arithmetic& other) {
  forward += other.forward;
  data_gradient += other.data_gradient;
  filter_gradient += other.filter_gradient;
  products += other.products;
  return *this;
}

Arithmetic operator*(double factor, const Arithmetic& a) {
  return {factor * a.forward, factor * a.data_gradient, factor * a.filter_gradient, factor * a.products};
}

double flops_of(const ConvShape& g) {
  return 2.0 * static_cast<double>(g.n * g.p() * g.q()) * static_cast<double>(g.k * g.r * g.s * g.c);
}

std::optional<ConvShape> convolution_of(const RangeLog::Node& node) {
  const std::vector<int64_t>& e = node.extents;
  if (e.size() != 9 || !node.name.starts_with("conv2d")) return {};
  return ConvShape{
      .n = e[0], .h = e[1], .w = e[2], .c = e[3], .k = e[4], .r = e[5], .s = e[6], .stride = e[7], .pad = e[8]};
}

Arithmetic arithmetic_of(const RangeLog& log) {
  Arithmetic all;
  for (const RangeLog::Node& n : log.nodes()) {
    if (n.count == 0 || n.kind != RangeKind::kernel || inside_kernel(log.nodes(), n)) continue;
    const auto calls = static_cast<double>(n.count);
    if (const auto g = convolution_of(n)) kind_of(all, n.name) += calls * flops_of(*g);
    if (n.name == "gemm")
      all.products +=
          calls * 2 * static_cast<double>(n.extents.at(0) * n.extents.at(1)) * static_cast<double>(n.extents.at(2));
  }
  return all;
}

}  // namespace temper
