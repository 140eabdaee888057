#include "core/params.h"

#include <atomic>
#include <mutex>

#include "core/text.h"
#include "kernels/convert/convert.h"
#include "kernels/runtime/capture.h"

namespace temper {

namespace {
uint64_t next_version() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}
}  // namespace

bool glob_matches(std::string_view glob, std::string_view text) {
  size_t g = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (g < glob.size() && glob[g] == '*') {
      star = g++;
      resume = t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

int ParamLayout::add(std::string name, Shape shape, Init init) {
  TEMPER_CHECK(find(name) < 0, "parameter '", name, "' is declared twice");
  params_.push_back({std::move(name), shape, size_, std::move(init)});
  size_ += (shape.numel() + 63) / 64 * 64;  // keeps every array 256-byte aligned in f32
  return count() - 1;
}

int64_t ParamLayout::numel() const {
  int64_t n = 0;
  for (const Param& p : params_) n += p.shape.numel();
  return n;
}

int ParamLayout::find(std::string_view name) const {
  for (int i = 0; i < count(); ++i)
    if (params_[i].name == name) return i;
  return -1;
}

std::vector<int> ParamLayout::match(std::string_view glob) const {
  std::vector<int> found;
  for (int i = 0; i < count(); ++i)
    if (glob_matches(glob, params_[i].name)) found.push_back(i);
  return found;
}

void ParamLayout::freeze(std::string_view glob) {
  const std::vector<int> found = match(glob);
  std::vector<std::string> names;
  for (const Param& p : params_) names.push_back(p.name);
  TEMPER_CHECK(!found.empty(), "freeze: no parameter matches '", glob, "'", did_you_mean(std::string(glob), names));
  for (const int i : found) params_[i].frozen = true;
}

ParamBuffer::ParamBuffer(const ParamLayout& layout, DType dtype, Stream stream)
    : layout_(&layout), dtype_(dtype), stream_(stream), memory_(stream.device, layout.size() * size_of(dtype)) {
  zero();
}

Tensor ParamBuffer::view(int i) const {
  const Param& p = (*layout_)[i];
  return {memory_.as<char>() + p.offset * size_of(dtype_), p.shape, dtype_, stream_.device};
}

void ParamBuffer::new_version() {
  if (planning(stream_)) stream_.capture->undo([this, before = version_] { version_ = before; });
  version_ = next_version();
}

void ParamBuffer::bump_version() {
  new_version();
  if (recording(stream_)) stream_.capture->on_replay([this] { bump_version(); });
}

Tensor ParamBuffer::half_view(int i, DType dtype) const {
  TEMPER_CHECK(dtype_ == DType::f32 && size_of(dtype) == 2, "half_view: expected bf16 or f16 of f32, got ", dtype,
               " of ", dtype_);
  const int64_t n = layout_->size();
  static std::mutex converting;  // the threads of an engine may ask at once
  const std::lock_guard lock(converting);
  if (!half_.memory.data() || half_.dtype != dtype)
    half_ = {.dtype = dtype, .memory = {stream_.device, n * size_of(dtype)}};
  if (!half_copy()) {
    dispatch_half(dtype, [&](auto tag) {
      using T = decltype(tag);
      convert(stream_, n, all().as<float>(), 0.f, half_.memory.as<T>());
    });
    half_.version = version_;
    half_.generation = generation(stream_);
  }
  const Param& p = (*layout_)[i];
  return {half_.memory.as<char>() + p.offset * size_of(dtype), p.shape, dtype, stream_.device};
}

Tensor ParamBuffer::half_copy() const {
  if (half_.version != version_ || half_.generation != generation(stream_)) return {};
  return {half_.memory.data(), Shape{layout_->size()}, half_.dtype, stream_.device};
}

void ParamBuffer::bump_version_with_half_copy() {
  const bool both = static_cast<bool>(half_copy());
  new_version();
  if (both) half_.version = version_;
  if (recording(stream_)) stream_.capture->on_replay([this] { bump_version_with_half_copy(); });
}

void ParamBuffer::copy_from(const ParamBuffer& other) {
  TEMPER_CHECK(other.layout_->size() == layout_->size() && other.dtype_ == dtype_,
               "copy_from: the buffers have different layouts or types");
  copy(stream_, memory_.data(), stream_.device, other.memory_.data(), other.stream_.device, memory_.bytes());
  bump_version();
}

void ParamBuffer::zero() {
  set_zero(stream_, memory_.data(), memory_.bytes());
  bump_version();
}

void ParamBuffer::initialise(uint64_t seed) {
  const RngKey key{.seed = seed, .stream_id = RngStreamId::init};
  for (int i = 0; i < layout_->count(); ++i) {
    const Param& p = (*layout_)[i];
    std::vector<double> values(p.shape.numel());
    for (size_t e = 0; e < values.size(); ++e) values[e] = p.init ? p.init(key, i, static_cast<uint32_t>(e)) : 0.0;
    write(i, values);
  }
}

std::vector<double> ParamBuffer::read(int i) const {
  const Tensor t = view(i);
  std::vector<double> out(t.numel());
  dispatch_full(dtype_, [&](auto tag) {
    using T = decltype(tag);
    std::vector<T> host(t.numel());
    copy(stream_, host.data(), Device::cpu, t.data, t.device, t.bytes());
    synchronize(stream_);
    for (size_t e = 0; e < host.size(); ++e) out[e] = host[e];
  });
  return out;
}

void ParamBuffer::write(int i, const std::vector<double>& values) {
  const Tensor t = view(i);
  TEMPER_CHECK(static_cast<int64_t>(values.size()) == t.numel(), "parameter '", (*layout_)[i].name, "' is ", t.shape,
               " so it takes ", t.numel(), " values, got ", values.size());
  dispatch_full(dtype_, [&](auto tag) {
    using T = decltype(tag);
    const std::vector<T> host(values.begin(), values.end());
    copy(stream_, t.data, t.device, host.data(), Device::cpu, t.bytes());
    synchronize(stream_);
  });
  bump_version();
}

}  // namespace temper
