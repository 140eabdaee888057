#include "bench/conv_work.h"

#include <cmath>

#include "bench/random_data.h"
#include "core/convolution/conv_epilogue.h"
#include "kernels/batch_norm/batch_norm.h"
#include "kernels/relu/relu.h"

namespace temper::bench {

namespace {

/// A tensor that owns its memory.
struct Array {
  DeviceArray<char> memory;
  Tensor t;
  Array(Stream stream, Shape shape, DType dtype)
      : memory(stream, shape.numel() * size_of(dtype)), t{memory.data(), shape, dtype, stream.device} {}
};

uint64_t next_version() {
  static uint64_t version = uint64_t{1} << 62;  // nothing else in this process numbers so high
  return version++;
}

void copy_array(Stream stream, const Tensor& from, const Tensor& to) {
  copy(stream, to.data, to.device, from.data, from.device, from.bytes());
}

constexpr uint32_t kAddend = 9;  // seed

/// By the bits of what is multiplied.
double tolerance_of(const Engine& engine, DType t) {
  if (t == DType::bf16) return 2e-2;
  if (t == DType::f16) return 5e-3;
  return engine.options().planning.math == ConvMath::tf32 ? 5e-3 : 1e-4;
}

bool masks(Direction d) { return d == Direction::masked || d == Direction::masked_residual; }

}  // namespace

/// What a convolution with a BatchNorm behind it or a ReLU before it works on.
struct ConvWork::Operands {
  Array x, y, w, gamma, beta, mean, variance, invstd;
  std::optional<Array> mask, addend;
  mutable bool moved = false;  ///< whether a sum that is masked went to x, away from the addend
  uint64_t version = next_version(), plain_version = next_version();

  Operands(Stream stream, const ConvShape& g, Direction direction, DType dtype)
      : x(stream, {g.n, g.h, g.w, g.c}, dtype),
        y(stream, {g.n, g.p(), g.q(), g.k}, dtype),
        w(stream, {g.k, g.r, g.s, g.c}, DType::f32),
        gamma(stream, {g.k}, DType::f32),
        beta(stream, {g.k}, DType::f32),
        mean(stream, {g.k}, DType::f32),
        variance(stream, {g.k}, DType::f32),
        invstd(stream, {g.k}, DType::f32) {
    if (masks(direction)) mask.emplace(stream, x.t.shape, dtype);
    if (direction == Direction::masked_residual) addend.emplace(stream, x.t.shape, dtype);
  }

  std::vector<const Array*> arrays() const {
    std::vector<const Array*> all = {&x, &y, &w, &gamma, &beta, &mean, &variance, &invstd};
    for (const std::optional<Array>* a : {&mask, &addend})
      if (*a) all.push_back(&**a);
    return all;
  }
  double bytes() const {
    double sum = 0;
    for (const Array* a : arrays()) sum += static_cast<double>(a->t.bytes());
    return sum;
  }

  void fill_filter(Stream stream, const ConvShape& g) const {
    const float scale = 1 / std::sqrt(static_cast<float>(g.r * g.s * g.c));
    write(stream, w.t, random_values(stream, w.t.numel(), 1, -scale, scale));
    write(stream, gamma.t, random_values(stream, g.k, 2, 0.5f, 1.5f));
    write(stream, beta.t, random_values(stream, g.k, 3, -0.5f, 0.5f));
    write(stream, mean.t, random_values(stream, g.k, 4, -0.5f, 0.5f));
    write(stream, variance.t, random_values(stream, g.k, 5, 0.5f, 1.5f));
  }
  void fill_images(Stream stream) const {
    randomize(stream, x.t, 6);
    randomize(stream, y.t, 7);
    if (addend) randomize(stream, addend->t, kAddend);
    if (!mask) return;
    randomize(stream, mask->t, 8);  // and then what a ReLU leaves of it: half of it exact zeros
    dispatch_float(mask->t.dtype, [&](auto tag) {
      auto* m = mask->t.as<decltype(tag)>();
      relu_forward(stream, mask->t.numel(), m, m);
    });
  }
};

ConvWork::ConvWork(Engine& engine, const ConvShape& g, Direction direction, DType dtype)
    : ConvWork(engine, g, direction, dtype, Only::memory) {
  const Stream stream = engine.stream();
  const Operands& first = *sets_[0];
  first.fill_filter(stream, g);
  first.fill_images(stream);
  const int64_t each = first.y.t.bytes() / g.n;
  if (direction == Direction::filter && g.n > 2)
    set_zero(stream, static_cast<char*>(first.y.t.data) + each, static_cast<size_t>(each * (g.n - 2)));
  const std::vector<float> want = reference();
  start(first);
  run(0);
  check("result", want);
  if (unfused_name()) {
    start(first);
    run_unfused(0);
    check("unfused result", want);
  }
  first.fill_images(stream);  // zeros would be multiplied faster
  for (int set = rotation(stream.device, first.bytes()); set > 1; --set) {
    const Operands& next = *sets_.emplace_back(std::make_unique<Operands>(stream, g, direction, dtype));
    const auto from = first.arrays(), to = next.arrays();
    for (size_t i = 0; i < from.size(); ++i) copy_array(stream, from[i]->t, to[i]->t);
  }
  synchronize(stream);
}
ConvWork::ConvWork(Engine& engine, const ConvShape& g, Direction direction, DType dtype, Only)
    : engine_(engine), g_(g), direction_(direction), dtype_(dtype) {
  sets_.push_back(std::make_unique<Operands>(engine.stream(), g, direction, dtype));
}
ConvWork::~ConvWork() = default;

void ConvWork::note(Engine& engine, const ConvShape& g, Direction direction, DType dtype) {
  ConvWork work(engine, g, direction, dtype, Only::memory);
  work.run(0);
  if (work.unfused_name()) work.run_unfused(0);
}

int ConvWork::sets() const { return static_cast<int>(sets_.size()); }

void ConvWork::do_pass(ConvBackend& conv, Stream stream, const ConvShape& g, const Operands& o) const {
  const BatchNormFold fold{.gamma = o.gamma.t, .beta = o.beta.t, .mean = o.mean.t, .variance = o.variance.t};
  const ConvFilter plain{.w = o.w.t, .version = o.version};
  switch (direction_) {
    case Direction::forward:
      convolve(conv, stream,
               {.shape = g,
                .x = o.x.t,
                .filter = {.w = o.w.t, .fold = &fold, .version = o.version},
                .y = o.y.t,
                .relu = true});
      return;
    case Direction::data:
    case Direction::masked:
    case Direction::masked_residual: {
      ConvBackwardData request{.shape = g, .dy = o.y.t, .filter = plain, .dx = o.x.t};
      if (o.mask) request.mask = o.mask->t;
      if (o.addend) {
        request.dx = o.addend->t;
        request.beta = 1;
        request.elsewhere = [&] { return o.moved = true, o.x.t; };
      }
      return convolve_backward_data(conv, stream, request);
    }
    case Direction::filter: return conv.backward_filter(stream, {.shape = g, .x = o.x.t, .dy = o.y.t, .dw = o.w.t});
  }
}

void ConvWork::run(int set) { do_pass(engine_.conv(), engine_.stream(), g_, *sets_[set]); }

const char* ConvWork::unfused_name() const {
  if (direction_ == Direction::forward) return "conv, then bn+relu";
  return masks(direction_) ? "gradient, then relu's" : nullptr;
}

void ConvWork::run_unfused(int set) {
  const Operands& o = *sets_[set];
  const Stream stream = engine_.stream();
  ConvBackend& conv = engine_.conv();
  const ConvFilter plain{.w = o.w.t, .version = o.plain_version};
  if (masks(direction_)) {
    const Tensor& sum = o.addend ? o.addend->t : o.x.t;
    convolve_backward_data(conv, stream,
                           {.shape = g_, .dy = o.y.t, .filter = plain, .dx = sum, .beta = o.addend ? 1.f : 0.f});
    return dispatch_float(dtype_, [&](auto tag) {
      using T = decltype(tag);
      relu_backward(stream, sum.numel(), o.mask->t.as<T>(), sum.as<T>(), 0.f, result(o).as<T>());
    });
  }
  convolve(conv, stream, {.shape = g_, .x = o.x.t, .filter = plain, .y = o.y.t});
  const int k = static_cast<int>(g_.k);
  const BatchNormAffine<float> affine{o.mean.t.as<float>(), o.invstd.t.as<float>(), o.gamma.t.as<float>(),
                                      o.beta.t.as<float>()};
  batch_norm_invstd<float>(stream, k, o.invstd.t.as<float>(), o.variance.t.as<float>(), BatchNormFold{}.eps);
  dispatch_float(dtype_, [&](auto tag) {
    using T = decltype(tag);
    if constexpr (!std::is_same_v<T, double>)
      batch_norm_apply<T, float>(stream, g_.n * g_.p() * g_.q(), k, o.y.t.as<T>(), o.y.t.as<T>(), nullptr, affine,
                                 BatchNormRelu::yes);
  });
}

const Tensor& ConvWork::result(const Operands& o) const {
  if (o.addend && !o.moved) return o.addend->t;
  return direction_ == Direction::forward ? o.y.t : direction_ == Direction::filter ? o.w.t : o.x.t;
}

/// What a sum is added to is there, whatever the last run left.
void ConvWork::start(const Operands& o) const {
  if (o.addend) randomize(engine_.stream(), o.addend->t, kAddend);
}

/// The first and the last image of a batch.
std::vector<float> ConvWork::ends(const Tensor& t) const {
  Tensor image{t.data, {t.numel() / g_.n}, t.dtype, t.device};
  std::vector<float> two = read(engine_.stream(), image);
  if (g_.n == 1) return two;
  image.data = static_cast<char*>(t.data) + (g_.n - 1) * image.bytes();
  const std::vector<float> last = read(engine_.stream(), image);
  two.insert(two.end(), last.begin(), last.end());
  return two;
}

std::vector<float> ConvWork::reference() const {
  const Operands& mine = *sets_[0];
  ConvShape two = g_;
  two.n = std::min<int64_t>(g_.n, 2);
  const Operands o({}, two, direction_, DType::f32);
  o.fill_filter({}, two);
  write({}, o.y.t, ends(mine.y.t));
  write({}, o.x.t, ends(mine.x.t));
  if (o.addend) write({}, o.addend->t, ends(mine.addend->t));
  if (o.mask) write({}, o.mask->t, ends(mine.mask->t));
  do_pass(*make_reference_conv(), {}, two, o);
  return read({}, result(o));
}

void ConvWork::check(const char* what, const std::vector<float>& want) const {
  const Tensor& t = result(*sets_[0]);
  const std::vector<float> got = direction_ == Direction::filter ? read(engine_.stream(), t) : ends(t);
  double worst = 0, largest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double off = std::abs(double{got[i]} - want[i]);
    worst = off <= worst ? worst : off;  // a NaN stays
    largest = std::max<double>(largest, std::abs(want[i]));
  }
  const double tolerance = tolerance_of(engine_, dtype_);
  TEMPER_CHECK(worst <= tolerance * largest, "convolution: the ", what,
               " is wrong, so it is not timed: expected values up to ", largest, " to agree within ", tolerance,
               " of that, got one that is ", worst, " off");
}

}  // namespace temper::bench
