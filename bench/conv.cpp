// Every distinct convolution of whole networks, in the shapes that their own passes use.
#include <fmt/format.h>

#include <cmath>

#include "bench/network.h"
#include "bench/suite.h"
#include "kernels/batch_norm/batch_norm.h"
#include "kernels/runtime/device_array.h"
#include "kernels/runtime/philox.h"

namespace temper::bench {

namespace {

enum class Direction : uint8_t { forward, data, filter };

const std::map<std::string, Direction> kDirections = {
    {"forward", Direction::forward}, {"data", Direction::data}, {"filter", Direction::filter}};

/// A tensor with memory of its own.
struct Array {
  DeviceArray<char> memory;
  Tensor t;
  Array(Stream stream, Shape shape, DType dtype)
      : memory(stream, shape.numel() * size_of(dtype)), t{memory.data(), shape, dtype, stream.device} {}
};

/// Random values in [lo, hi], which the type can hold exactly.
std::vector<float> random_values(int64_t n, uint32_t seed, float lo, float hi) {
  std::vector<float> v(n);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; ++i)
    v[i] = static_cast<float>(bfloat16(lo + (hi - lo) * random_uniform({.seed = seed}, 0, static_cast<uint32_t>(i))));
  return v;
}

void write(Stream stream, const Tensor& to, const std::vector<float>& values) {
  std::vector<bfloat16> narrow;
  if (to.dtype == DType::bf16)
    for (const float v : values) narrow.push_back(bfloat16(v));
  const void* from = to.dtype == DType::bf16 ? static_cast<const void*>(narrow.data()) : values.data();
  copy(stream, to.data, to.device, from, Device::cpu, to.bytes());
  synchronize(stream);
}

std::vector<float> read(Stream stream, const Tensor& from) {
  std::vector<float> values(from.numel());
  std::vector<bfloat16> narrow(from.dtype == DType::bf16 ? from.numel() : 0);
  copy(stream, narrow.empty() ? static_cast<void*>(values.data()) : narrow.data(), Device::cpu, from.data, from.device,
       from.bytes());
  synchronize(stream);
  for (size_t i = 0; i < narrow.size(); ++i) values[i] = static_cast<float>(narrow[i]);
  return values;
}

/// What a convolution with a BatchNorm behind it works on.
struct Operands {
  Array x, y, w, gamma, beta, mean, variance, invstd;

  Operands(Stream stream, const ConvShape& g, DType dtype)
      : x(stream, {g.n, g.h, g.w, g.c}, dtype),
        y(stream, {g.n, g.p(), g.q(), g.k}, dtype),
        w(stream, {g.k, g.r, g.s, g.c}, DType::f32),
        gamma(stream, {g.k}, DType::f32),
        beta(stream, {g.k}, DType::f32),
        mean(stream, {g.k}, DType::f32),
        variance(stream, {g.k}, DType::f32),
        invstd(stream, {g.k}, DType::f32) {
    const float scale = 1 / std::sqrt(static_cast<float>(g.r * g.s * g.c));
    write(stream, w.t, random_values(w.t.numel(), 1, -scale, scale));
    write(stream, gamma.t, random_values(g.k, 2, 0.5f, 1.5f));
    write(stream, beta.t, random_values(g.k, 3, -0.5f, 0.5f));
    write(stream, mean.t, random_values(g.k, 4, -0.5f, 0.5f));
    write(stream, variance.t, random_values(g.k, 5, 0.5f, 1.5f));
    write(stream, x.t, random_values(x.t.numel(), 6, -1, 1));
    write(stream, y.t, random_values(y.t.numel(), 7, -1, 1));
  }
};

/// Forward is what an attack runs: BatchNorm folded into the filter, ReLU in the epilogue.
void convolve(ConvBackend& conv, Stream stream, const ConvShape& g, Direction direction, const Operands& o,
              uint64_t stamp) {
  const BatchNormFold fold{.gamma = o.gamma.t, .beta = o.beta.t, .mean = o.mean.t, .variance = o.variance.t};
  switch (direction) {
    case Direction::forward:
      return conv.forward(stream, g, o.x.t, {.w = o.w.t, .fold = &fold, .stamp = stamp}, {.relu = true}, o.y.t);
    case Direction::data: return conv.backward_data(stream, g, o.y.t, {.w = o.w.t, .stamp = stamp}, 0.f, o.x.t);
    case Direction::filter: return conv.backward_filter(stream, g, o.x.t, o.y.t, 0.f, o.w.t);
  }
}

/// One convolution on its way to be timed. Throws Error unless the result of the very call that is timed agrees with
/// the reference convolution: in the first and the last image or, for the filter's gradient, with all other images
/// cleared.
class ConvWork {
 public:
  ConvWork(Engine& engine, const ConvShape& g, Direction direction, DType dtype)
      : engine_(engine),
        g_(g),
        direction_(direction),
        operands_(engine.stream(), g, dtype),
        stamp_(next_stamp()),
        plain_stamp_(next_stamp()) {
    if (direction == Direction::filter) keep_ends(operands_.y.t);
    const std::vector<float> want = reference();
    run();
    check("result", want);
    if (direction != Direction::forward) return;
    run_unfused();
    check("unfused result", want);
  }

  void run() { convolve(engine_.conv(), engine_.stream(), g_, direction_, operands_, stamp_); }

  void run_unfused() {
    const Operands& o = operands_;
    const Stream stream = engine_.stream();
    engine_.conv().forward(stream, g_, o.x.t, {.w = o.w.t, .stamp = plain_stamp_}, {}, o.y.t);
    const int k = static_cast<int>(g_.k);
    const BatchNormAffine<float> affine{o.mean.t.as<float>(), o.invstd.t.as<float>(), o.gamma.t.as<float>(),
                                        o.beta.t.as<float>()};
    batch_norm_invstd<float>(stream, k, o.invstd.t.as<float>(), o.variance.t.as<float>(), BatchNormFold{}.eps);
    const auto apply = [&](auto tag) {
      using T = decltype(tag);
      batch_norm_apply<T, float>(stream, g_.n * g_.p() * g_.q(), k, o.y.t.as<T>(), o.y.t.as<T>(), nullptr, affine,
                                 BatchNormRelu::yes);
    };
    o.y.t.dtype == DType::bf16 ? apply(bfloat16{}) : apply(float{});
  }

 private:
  static uint64_t next_stamp() {
    static uint64_t stamp = uint64_t{1} << 62;  // nothing else in this process numbers so high
    return stamp++;
  }
  const Tensor& result(const Operands& o) const {
    return direction_ == Direction::forward ? o.y.t : direction_ == Direction::data ? o.x.t : o.w.t;
  }
  /// The first and the last image of a batch.
  std::vector<float> ends(const Tensor& t) const {
    const std::vector<float> all = read(engine_.stream(), t);
    const int64_t each = t.numel() / g_.n;
    std::vector<float> two(all.begin(), all.begin() + each);
    if (g_.n > 1) two.insert(two.end(), all.end() - each, all.end());
    return two;
  }
  void keep_ends(const Tensor& t) const {
    std::vector<float> all = read(engine_.stream(), t);
    const int64_t each = t.numel() / g_.n;
    if (g_.n > 2) std::fill(all.begin() + each, all.end() - each, 0.f);
    write(engine_.stream(), t, all);
  }
  std::vector<float> reference() const {
    ConvShape two = g_;
    two.n = std::min<int64_t>(g_.n, 2);
    const Operands o({}, two, DType::f32);
    write({}, o.x.t, ends(operands_.x.t));
    write({}, o.y.t, ends(operands_.y.t));
    convolve(*make_reference_conv(), {}, two, direction_, o, 0);
    return read({}, result(o));
  }
  void check(const char* what, const std::vector<float>& want) const {
    const Tensor& t = result(operands_);
    const std::vector<float> got = direction_ == Direction::filter ? read(engine_.stream(), t) : ends(t);
    double worst = 0, largest = 0;
    for (size_t i = 0; i < want.size(); ++i) {
      const double off = std::abs(double{got[i]} - want[i]);
      worst = off <= worst ? worst : off;  // a NaN stays
      largest = std::max<double>(largest, std::abs(want[i]));
    }
    const double tolerance = operands_.x.t.dtype == DType::bf16 ? 2e-2 : 1e-4;
    TEMPER_CHECK(worst <= tolerance * largest, "convolution: the ", what,
                 " is wrong, so it is not timed: expected values ", "up to ", largest, " to agree within ", tolerance,
                 " of that, got one that is ", worst, " off");
  }

  Engine& engine_;
  ConvShape g_;
  Direction direction_;
  Operands operands_;
  uint64_t stamp_, plain_stamp_;
};

std::string title(const ConvShape& g) {
  return fmt::format("{}x{}x{}-{}_{}x{}{}", g.h, g.w, g.c, g.k, g.r, g.s,
                     g.stride == 1 ? "" : fmt::format("_s{}", g.stride));
}

struct Conv : Suite {
  std::vector<Axis> axes() const override {
    return {{"network", {"resnet18", "wide_resnet34_10"}, {}},
            {"pass", {"forward", "data", "filter"}, {"forward", "data", "filter"}},
            {"dtype", {"f32", "bf16"}, {"f32", "bf16"}},
            {"batch", {"64"}, {}}};
  }

  std::vector<BenchCase> cases(SuiteContext& context) const override {
    std::vector<BenchCase> out;
    for (const std::string& network : context.axes.at("network")) {
      const auto convolutions = convolutions_of(network);
      for (const std::string& dtype : context.axes.at("dtype"))
        for (const std::string& batch : context.axes.at("batch"))
          for (const std::string& pass : context.axes.at("pass"))
            for (const auto& [shape, count] : convolutions) {
              const Direction d = kDirections.at(pass);
              const int64_t n = d == Direction::forward ? count.forward
                                : d == Direction::data  ? count.data
                                                        : count.filter;
              if (n == 0) continue;
              ConvShape g = shape;
              g.n = static_cast<int64_t>(parse_number(batch));
              out.push_back(make_case(context.engine, g, d, dtype == "bf16" ? DType::bf16 : DType::f32));
              out.back().axes = {{"network", network}, {"pass", pass}, {"dtype", dtype}, {"batch", batch}};
              out.back().name = cat(network, "/", pass, "/", dtype, "/n", g.n, "/", title(g));
              out.back().weight = static_cast<double>(n);
            }
    }
    return out;
  }

  static BenchCase make_case(Engine& engine, const ConvShape& g, Direction d, DType t) {
    const double x = static_cast<double>(g.n * g.h * g.w * g.c), y = static_cast<double>(g.n * g.p() * g.q() * g.k);
    const double w = static_cast<double>(g.k * g.r * g.s * g.c), each = static_cast<double>(size_of(t));
    return {.dtype = t,
            .bytes = (x + y) * each + w * 4,
            .flops = 2 * y * static_cast<double>(g.r * g.s * g.c),
            .prepare = [&engine, g, d, t] {
              TEMPER_CHECK(engine.conv().supports(t), engine.conv().name(), " has no ", t, " convolutions here");
              const auto work = std::make_shared<ConvWork>(engine, g, d, t);
              Work made{.run = [work] { work->run(); }};
              if (d == Direction::forward) {
                made.unfused = [work] { work->run_unfused(); };
                made.unfused_name = "conv, then bn+relu";
              }
              return made;
            }};
  }

  /// Whole passes: each layer's time as often as the network runs it.
  std::string summary(const Report& report) const override {
    struct Total {
      double seconds = 0, limit = 0, flops = 0, count = 0;
    };
    std::map<std::string, Total> totals;
    for (const Result& r : report.results) {
      Total& t =
          totals[cat(r.axes.at("network"), "/", r.axes.at("pass"), "/", r.axes.at("dtype"), "/n", r.axes.at("batch"))];
      t.seconds += r.weight * r.main().median();
      t.limit += r.weight * r.limit.seconds;
      t.flops += r.weight * r.flops;
      t.count += r.weight;
    }
    std::string out = "whole passes, cold (layers counted as often as they run):\n";
    for (const auto& [name, t] : totals)
      out += fmt::format("  {:<40} {:>4} convolutions {:>9.2f} ms {:>8.1f} GFLOP/s {:>4.0f} % of the peak\n", name,
                         t.count, t.seconds * 1e3, t.flops / t.seconds / 1e9, 100 * t.limit / t.seconds);
    return out;
  }
};

TEMPER_REGISTER(Suite, Conv, "conv", "every distinct convolution of whole networks, with totals per pass");

}  // namespace

}  // namespace temper::bench
