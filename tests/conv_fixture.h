#pragma once
// Convolutions of a device on arrays in host memory: what comparisons of back ends are written with.
#include <cmath>
#include <vector>

#include "core/convolution/conv.h"
#include "core/engine.h"
#include "tests/gradcheck.h"

namespace temper::test {

/// A tensor with host memory of its own, filled with a wave.
struct Array {
  std::vector<char> bytes;
  Tensor t;

  Array(Shape shape, DType dtype, int salt, double scale = 1) : bytes(shape.numel() * size_of(dtype)) {
    t = {bytes.data(), shape, dtype, Device::cpu};
    const std::vector<double> v = wave(shape.numel(), salt);
    for (int64_t i = 0; i < shape.numel(); ++i) set(i, v[i] * scale);
  }
  void set(int64_t i, double v) {
    dispatch_float(t.dtype, [&](auto tag) { t.as<decltype(tag)>()[i] = decltype(tag)(static_cast<float>(v)); });
  }
  double at(int64_t i) const {
    return dispatch_float(t.dtype, [&](auto tag) { return static_cast<double>(t.as<decltype(tag)>()[i]); });
  }
  /// The same numbers in f32.
  Array full() const {
    Array a(t.shape, DType::f32, 0);
    for (int64_t i = 0; i < t.numel(); ++i) a.set(i, at(i));
    return a;
  }
};

/// Largest difference relative to the largest value.
inline double distance(const Array& a, const Array& b) {
  double worst = 0, largest = 1e-30;
  for (int64_t i = 0; i < a.t.numel(); ++i) {
    if (!(std::abs(a.at(i) - b.at(i)) <= worst)) worst = std::abs(a.at(i) - b.at(i));
    largest = std::max(largest, std::abs(b.at(i)));
  }
  return worst / largest;
}

struct ConvWorld {
  ConvShape g;
  DType dtype;
  Array x, w, bias, y, dy, dx, dw, gamma, beta, mean, var, mask;
  BatchNormFold fold;

  ConvWorld(ConvShape g, DType dtype)
      : g(g),
        dtype(dtype),
        x({g.n, g.h, g.w, g.c}, dtype, 1),
        w({g.k, g.r, g.s, g.c}, DType::f32, 2, 0.5),
        bias({g.k}, DType::f32, 3),
        y({g.n, g.p(), g.q(), g.k}, dtype, 4),
        dy(y.t.shape, dtype, 5),
        dx(x.t.shape, dtype, 6),
        dw(w.t.shape, DType::f32, 7),
        gamma({g.k}, DType::f32, 8),
        beta({g.k}, DType::f32, 9),
        mean({g.k}, DType::f32, 10),
        var({g.k}, DType::f32, 11),
        mask(x.t.shape, dtype, 12),
        fold{.gamma = gamma.t, .beta = beta.t, .mean = mean.t, .variance = var.t} {
    for (int64_t k = 0; k < g.k; ++k) var.t.as<float>()[k] = 1.5f + var.t.as<float>()[k];
    // As a ReLU's output has them: zeros, of either sign.
    for (int64_t i = 0; i < mask.t.numel(); ++i)
      if (i % 7 % 2 == 0) mask.set(i, i % 2 ? -0. : 0.);
  }
  ConvFilter filter(uint64_t stamp = 0) const { return {.w = w.t, .bias = bias.t, .stamp = stamp}; }
  ConvFilter folded(uint64_t stamp = 0) const { return {.w = w.t, .fold = &fold, .stamp = stamp}; }
};

/// What a device's convolutions compute in, and how close to the numbers of f32 that makes them. A filter gradient is
/// summed in f32, of products that f32 holds exactly, unless TF32 rounds what goes into them.
struct Compute {
  const char* name = "f32";
  DType stored = DType::f32;
  double tolerance = 2e-5, filter_tolerance = 2e-5;
  ConvMath math = ConvMath::f32;
};

inline std::vector<Compute> types(Device device) {
  std::vector<Compute> all(1);
  if (device == Device::cuda || make_cpu_conv()->supports(DType::bf16))
    all.push_back({"bf16", DType::bf16, 2e-2, 1e-4});
  if (device == Device::cuda) {
    all.push_back({"f16", DType::f16, 4e-3, 1e-4});
    all.push_back({"tf32", DType::f32, 4e-3, 4e-3, ConvMath::tf32});
  }
  return all;
}

/// A device's convolutions on tensors in host memory.
class Staged : public ConvBackend {
 public:
  explicit Staged(Device device, const Compute& compute = {}, int threads = 0)
      : engine_({.device = device,
                 .threads = threads,
                 .compute = compute.stored,
                 .arena_mb = 64,
                 .planning = {.math = compute.math}}) {}
  const char* name() const override { return "staged"; }

  void forward(Stream, const ConvShape& g, const Tensor& x, const ConvFilter& f, const ConvEpilogue& e,
               const Tensor& y) override {
    const Arena::Scope scope(engine_.arena());
    const Tensor out = up(y);
    const BatchNormFold fold = up(f.fold);
    engine_.conv().forward(stream(), g, up(x), up(f, fold), {.residual = up(e.residual), .relu = e.relu}, out);
    down(y, out);
  }
  void backward_data(Stream, const ConvShape& g, const Tensor& dy, const ConvFilter& f, float beta,
                     const Tensor& dx) override {
    const Arena::Scope scope(engine_.arena());
    const Tensor out = up(dx);
    const BatchNormFold fold = up(f.fold);
    engine_.conv().backward_data(stream(), g, up(dy), up(f, fold), beta, out);
    down(dx, out);
  }
  bool adds_apart() const override { return engine_.conv().adds_apart(); }
  void backward_filter(Stream, const ConvShape& g, const Tensor& x, const Tensor& dy, float beta,
                       const Tensor& dw) override {
    const Arena::Scope scope(engine_.arena());
    const Tensor out = up(dw);
    engine_.conv().backward_filter(stream(), g, up(x), up(dy), beta, out);
    down(dw, out);
  }

 protected:
  bool backward_data_masked(Stream, const ConvShape& g, const Tensor& dy, const ConvFilter& f,
                            const ConvDataEpilogue& e, const Tensor& dx) override {
    const Arena::Scope scope(engine_.arena());
    const Tensor out = up(dx);
    const BatchNormFold fold = up(f.fold);
    engine_.conv().backward_data_relu(stream(), g, up(dy), up(f, fold),
                                      {.beta = e.beta, .mask = up(e.mask), .addend = up(e.addend)}, out);
    down(dx, out);
    return true;
  }

 public:
  Engine& engine() { return engine_; }
  /// A copy on the device.
  Tensor up(const Tensor& t) {
    if (!t) return {};
    const Tensor there = engine_.arena().tensor(t.shape, t.dtype);
    copy(stream(), there.data, there.device, t.data, t.device, t.bytes());
    return there;
  }
  BatchNormFold up(const BatchNormFold* f) {
    if (!f) return {};
    return {
        .gamma = up(f->gamma), .beta = up(f->beta), .mean = up(f->mean), .variance = up(f->variance), .eps = f->eps};
  }

 private:
  Stream stream() const { return engine_.stream(); }
  ConvFilter up(const ConvFilter& f, const BatchNormFold& fold) {
    return {.w = up(f.w), .bias = up(f.bias), .fold = f.fold ? &fold : nullptr, .stamp = f.stamp};
  }
  void down(const Tensor& t, const Tensor& there) {
    copy(stream(), t.data, t.device, there.data, there.device, t.bytes());
    synchronize(stream());
  }

  mutable Engine engine_;
};

}  // namespace temper::test
