#include "core/plans/conv_trial.h"

#include <algorithm>
#include <cmath>

#include "kernels/batch_norm/batch_norm.h"
#include "kernels/plain_conv/plain_conv.h"
#include "kernels/random_fill/random_fill.h"
#include "kernels/runtime/philox.h"

namespace temper {

using namespace conv_id;

namespace {

constexpr uint64_t kSeed = 0x7e3a9e5;
constexpr int64_t kMostElements = 4096, kLeastElements = 256, kMostProducts = int64_t{1} << 29;

PlainConvShape plain(const ConvShape& g) {
  return {.n = g.n, .h = g.h, .w = g.w, .c = g.c, .k = g.k, .r = g.r, .s = g.s, .stride = g.stride, .pad = g.pad};
}

int64_t products(const ConvKey& key) {
  const PlainConvShape g = plain(key.shape);
  switch (key.pass) {
    case ConvPass::forward: return plain_conv_forward_products(g);
    case ConvPass::backward_data: return plain_conv_data_products(g);
    default: return plain_conv_filter_products(g);
  }
}

/// What a sum of so many products of numbers in (-1, 1) is about: their standard deviation is 1/3.
double typical_sum(const ConvKey& key) { return std::sqrt(static_cast<double>(products(key))) / 3; }

/// How much correct results may differ, as a share of a typical sum. Rounded operands (tf32), transforms (Winograd's)
/// in the type, and accumulators that cut off what they cannot hold, which adds up with the number of products. A wrong
/// sum is off by about 1.
double sum_margin(const ConvKey& key) {
  const double type = key.type == ConvType::f32 ? 0x1p-10 : key.type == ConvType::tf32 ? 0x1p-8 : 0x1p-7;
  return type + static_cast<double>(products(key)) * 0x1p-24;
}

/// And as a share of what is rounded to a type, twice: before and after the epilogue.
double rounding_margin(DType t) { return t == DType::bf16 ? 0x1p-7 : t == DType::f16 ? 0x1p-10 : 0x1p-20; }

/// One element of each of `count` equal parts of an array, the first and the last among them; or all.
std::vector<int64_t> elements_all_over(int64_t elements, int64_t count) {
  count = std::min(count, elements);
  std::vector<int64_t> at(count);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t from = elements * i / count, to = elements * (i + 1) / count;
    at[i] = from + philox(kSeed, static_cast<uint32_t>(i), 0, 0, 1).x[0] % (to - from);
  }
  if (count > 1) at.front() = 0, at.back() = elements - 1;
  return at;
}

}  // namespace

ConvTrial::ConvTrial(Stream stream, const ConvKey& key, int64_t workspace)
    : stream_(stream), key_(key), arrays_(conv_arrays(key)), scratch_(stream, static_cast<size_t>(workspace)) {
  for (const ConvArray& a : arrays_) {
    memory_.emplace(a.id, DeviceArray<char>(stream, a.elements * size_of(a.dtype)));
    fill(a);
  }
}

void ConvTrial::fill(const ConvArray& a) const {
  // What is added to a sum is about as large, so that leaving it out shows.
  const bool operand = a.id == kX || a.id == kW || a.id == kY;
  const RandomFill random{
      .seed = kSeed + static_cast<uint64_t>(a.id),
      .scale = operand && a.use == ArrayUse::read ? 1.f : static_cast<float>(std::max(1.0, 2 * typical_sum(key_))),
      .values = a.id == kMask ? RandomValues::activation : RandomValues::spread};
  if (a.dtype == DType::f32)
    random_fill(stream_, a.elements, static_cast<float*>(data(a.id)), random);
  else
    dispatch_half(a.dtype,
                  [&](auto tag) { random_fill(stream_, a.elements, static_cast<decltype(tag)*>(data(a.id)), random); });
}

void ConvTrial::run(const ConvPlan& plan) const {
  ConvBindings bindings;
  for (const ConvArray& a : arrays_) bindings.push_back({a.id, data(a.id)});
  plan.execute(stream_, bindings, scratch_.data());
}

const ConvArray& ConvTrial::array(int64_t id) const {
  return *std::find_if(arrays_.begin(), arrays_.end(), [&](const ConvArray& a) { return a.id == id; });
}

std::vector<float> ConvTrial::picked(const DeviceArray<int64_t>& at, int64_t id) const {
  const DeviceArray<float> values(stream_, at.size());
  const auto from = [&]<class T>(T) {
    pick(stream_, static_cast<int64_t>(at.size()), values.data(), at.data(), static_cast<const T*>(data(id)));
  };
  const DType t = array(id).dtype;
  if (t == DType::f32)
    from(float{});
  else
    dispatch_half(t, from);
  return values.read(stream_);
}

std::vector<float> ConvTrial::convolution(const DeviceArray<int64_t>& at) const {
  const DeviceArray<float> sums(stream_, at.size());
  const auto count = static_cast<int64_t>(at.size());
  const PlainConvShape g = plain(key_.shape);
  const auto compute = [&]<class T>(T) {
    const auto get = [&](int64_t id) { return static_cast<const T*>(data(id)); };
    switch (key_.pass) {
      case ConvPass::forward: return plain_conv_forward(stream_, g, count, sums.data(), at.data(), get(kX), get(kW));
      case ConvPass::backward_data: return plain_conv_data(stream_, g, count, sums.data(), at.data(), get(kY), get(kW));
      default: return plain_conv_filter(stream_, g, count, sums.data(), at.data(), get(kX), get(kY));
    }
  };
  const DType t = storage(key_.type);
  if (t == DType::f32)
    compute(float{});
  else
    dispatch_half(t, compute);
  return sums.read(stream_);
}

std::string ConvTrial::fault(const ConvPlan& plan) const {
  const ConvArray& result = arrays_.front();
  const int64_t most = std::clamp(kMostProducts / products(key_), kLeastElements, kMostElements);
  const std::vector<int64_t> elements = elements_all_over(result.elements, most);
  const DeviceArray<int64_t> at(stream_, elements);
  fill(result);
  const std::vector<float> sums = convolution(at);
  std::vector<std::vector<float>> added;
  if (key_.accumulate) added.push_back(picked(at, result.id));
  for (const ConvArray& a : arrays_)
    if (a.id == kResidual || a.id == kAccumulator) added.push_back(picked(at, a.id));
  if (key_.bias) {
    std::vector<int64_t> channels = elements;
    for (int64_t& i : channels) i %= key_.shape.k;
    added.push_back(picked({stream_, channels}, kBias));
  }
  const std::vector<float> mask = key_.mask ? picked(at, kMask) : std::vector<float>();
  run(plan);
  const std::vector<float> got = picked(at, result.id);
  const double margin = sum_margin(key_) * typical_sum(key_), rounding = rounding_margin(result.dtype);
  for (size_t i = 0; i < got.size(); ++i) {
    double want = sums[i], size = std::abs(want);
    for (const std::vector<float>& v : added) {
      want += v[i];
      size += std::abs(v[i]);
    }
    const bool cut = key_.mask && !(mask[i] > 0);
    if (cut || (key_.relu && want < 0)) want = 0;
    if (!(std::abs(got[i] - want) <= (cut ? 0 : margin + rounding * size)))
      return cat("element ", elements[i], " of ", result.elements, " is ", got[i], ", by a plain sum ", want);
  }
  return key_.statistics ? statistics_fault() : "";
}

std::string ConvTrial::statistics_fault() const {
  const ConvArray& y = arrays_.front();
  const int64_t channels = key_.shape.k, rows = y.elements / channels;
  const DeviceArray<float> mean(stream_, channels), invstd(stream_, channels),
      workspace(stream_, batch_norm_workspace(rows, static_cast<int>(channels)));
  const auto sum_up = [&]<class T>(T) {
    batch_norm_statistics(stream_, rows, static_cast<int>(channels), mean.data(), invstd.data(), workspace.data(),
                          static_cast<const T*>(data(kY)), 0.0, BatchNormRunning<float>{});
  };
  if (y.dtype == DType::f32)
    sum_up(float{});
  else
    dispatch_half(y.dtype, sum_up);
  const auto read = [&](int64_t id) {
    std::vector<float> values(channels);
    copy(stream_, values.data(), Device::cpu, data(id), stream_.device, channels * sizeof(float));
    synchronize(stream_);
    return values;
  };
  const std::vector<float> means = mean.read(stream_), invstds = invstd.read(stream_), sums = read(kSum),
                           squares = read(kSquares);
  for (int64_t c = 0; c < channels; ++c) {
    const double m = means[c], square = m * m + 1 / (double{invstds[c]} * invstds[c]);
    const double n = static_cast<double>(rows), margin = rounding_margin(y.dtype) * n;
    if (!(std::abs(sums[c] - n * m) <= margin * std::sqrt(square)))
      return cat("the sum of channel ", c, " is ", sums[c], ", by a plain sum ", n * m);
    if (!(std::abs(squares[c] - n * square) <= margin * square))
      return cat("the sum of squares of channel ", c, " is ", squares[c], ", by a plain sum ", n * square);
  }
  return "";
}

}  // namespace temper
