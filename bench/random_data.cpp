#include "bench/random_data.h"

#include <algorithm>

#include "kernels/runtime/memory.h"
#include "kernels/runtime/philox.h"
#include "kernels/runtime/team.h"

namespace temper::bench {

namespace {

constexpr int64_t kBlock = int64_t{1} << 22;

}  // namespace

std::vector<float> random_values(Stream stream, int64_t n, uint32_t seed, float lo, float hi) {
  std::vector<float> v(n);
  in_pieces(stream, n, 1, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i)
      v[i] = static_cast<float>(bfloat16(lo + (hi - lo) * random_uniform({.seed = seed}, 0, static_cast<uint32_t>(i))));
  });
  return v;
}

void write(Stream stream, const Tensor& to, const std::vector<float>& values) {
  const int64_t n = to.numel();
  if (to.dtype == DType::f32) {
    copy(stream, to.data, to.device, values.data(), Device::cpu, to.bytes());
    return synchronize(stream);
  }
  dispatch_half(to.dtype, [&](auto tag) {
    std::vector<decltype(tag)> narrow(n);
    in_pieces(stream, n, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) narrow[i] = decltype(tag)(values[i]);
    });
    copy(stream, to.data, to.device, narrow.data(), Device::cpu, to.bytes());
    synchronize(stream);
  });
}

std::vector<float> read(Stream stream, const Tensor& from) {
  const int64_t n = from.numel();
  std::vector<float> values(n);
  if (from.dtype == DType::f32) {
    copy(stream, values.data(), Device::cpu, from.data, from.device, from.bytes());
    synchronize(stream);
    return values;
  }
  dispatch_half(from.dtype, [&](auto tag) {
    std::vector<decltype(tag)> narrow(n);
    copy(stream, narrow.data(), Device::cpu, from.data, from.device, from.bytes());
    synchronize(stream);
    in_pieces(stream, n, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) values[i] = static_cast<float>(narrow[i]);
    });
  });
  return values;
}

void randomize(Stream stream, const Tensor& t, uint32_t seed) {
  const int64_t n = t.numel(), block = std::min(n, kBlock), each = static_cast<int64_t>(size_of(t.dtype));
  write(stream, {t.data, {block}, t.dtype, t.device}, random_values(stream, block, seed, -1, 1));
  char* data = static_cast<char*>(t.data);
  for (int64_t done = block; done < n; done += block)
    copy(stream, data + done * each, t.device, data, t.device, std::min(block, n - done) * each);
}

}  // namespace temper::bench
