#pragma once
// oneDNN's primitives for comparisons: the only place in bench/ that depends on the differences between oneDNN 2.x and
// 3.x. All throw dnnl::error if oneDNN has no such primitive for these types, or only its slow reference code.
#include <dnnl.hpp>
#include <vector>

namespace temper::bench::onednn {

using Desc = dnnl::memory::desc;

dnnl::primitive eltwise(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& x, float alpha);
/// From the ReLU's output.
dnnl::primitive relu_gradient(const dnnl::engine& engine, const Desc& x);
dnnl::primitive sum(const dnnl::engine& engine, const std::vector<float>& factors, const std::vector<Desc>& x,
                    const Desc& y);

struct Binary {
  dnnl::algorithm algorithm;
  Desc a, b, y;
  float factor = 1;  ///< y = factor * (a op b)
};
dnnl::primitive binary(const dnnl::engine& engine, const Binary& op);

struct Product {
  Desc a, b, y;
  float factor = 1, beta = 0;  ///< y = factor * a b + beta * y
};
dnnl::primitive product(const dnnl::engine& engine, const Product& op);

/// The average over all pixels of x (n, c, h, w), and its gradient.
dnnl::primitive average(const dnnl::engine& engine, const Desc& x, const Desc& y);
dnnl::primitive average_gradient(const dnnl::engine& engine, const Desc& dx, const Desc& dy);

dnnl::primitive batch_norm_forward(const dnnl::engine& engine, const Desc& x, float eps,
                                   dnnl::normalization_flags flags);
dnnl::primitive batch_norm_backward(const dnnl::engine& engine, const Desc& x, float eps);

/// Along the last of two axes, and its gradient.
dnnl::primitive log_softmax(const dnnl::engine& engine, const Desc& x);
dnnl::primitive log_softmax_gradient(const dnnl::engine& engine, const Desc& x);

}  // namespace temper::bench::onednn
