#include "data/loader.h"

#include <algorithm>
#include <numeric>

#include "data/shuffle.h"
#include "kernels/gather/gather.h"
#include "kernels/runtime/memory.h"

namespace temper {

void Augmentation::fields(Fields& f) {
  f("crop_pad", crop_pad, Limits::between(0, 1024),
    "random crops of the image padded by this many pixels on every side; 0: none");
  f.choice("padding", padding, {{"zero", Padding::zero}, {"reflect", Padding::reflect}},
           "value of the padding: "
           "zeros, or the image "
           "mirrored at its edges");
  f.choice("flip", flip, {{"none", Flip::none}, {"random", Flip::random}}, "mirror half of the images left to right");
}

Loader::Loader(Engine& engine, const ImageSet& set, LoaderOptions options)
    : engine_(engine), options_(options), count_(set.size()), dtype_(set.dtype) {
  set.check("loader");
  const Augmentation& a = options.augmentation;
  TEMPER_CHECK(options.batch_size > 0, "loader: expected a batch_size of 1 or more, got ", options.batch_size);
  TEMPER_CHECK(a.padding == Padding::zero || a.crop_pad < std::min(set.height, set.width), "loader: images are ",
               set.height, " x ", set.width, " so a reflecting crop_pad must be smaller than that, got ", a.crop_pad);
  TEMPER_CHECK(batches() > 0, "loader: ", count_, " samples do not fill a batch of ", options.batch_size,
               " and a last batch that is not full is left out; lower the batch size, or keep the last batch");
  augment_ = {.h = static_cast<int>(set.height),
              .w = static_cast<int>(set.width),
              .c = static_cast<int>(set.channels),
              .crop_h = static_cast<int>(set.crop),
              .crop_w = static_cast<int>(set.crop),
              .crop_pad = a.crop_pad,
              .padding = a.padding,
              .flip = a.flip,
              .key = {.seed = engine.seed(), .stream_id = RngStreamId::augment}};
  const Stream stream = engine.stream();
  listed_ = (batches() - 1) * options.batch_size + served(batches() - 1);
  pixels_ = {stream, set.pixels};
  labels_ = {stream, set.labels};
  order_ = {stream, static_cast<size_t>(listed_)};
}

int64_t Loader::batches() const {
  const int64_t whole = count_ / options_.batch_size;
  return whole + (options_.last_batch != LastBatch::drop && count_ % options_.batch_size > 0 ? 1 : 0);
}

std::vector<int64_t> Loader::of_every_size() const {
  const int64_t last = batches() - 1;
  return served(last) == served(0) ? std::vector<int64_t>{0} : std::vector<int64_t>{0, last};
}

int64_t Loader::counted(int64_t index) const { return std::min(options_.batch_size, count_ - first(index)); }

int64_t Loader::served(int64_t index) const {
  // An only batch is the one size there is.
  return options_.last_batch == LastBatch::pad && batches() > 1 ? options_.batch_size : counted(index);
}

void Loader::open(int64_t epoch) {
  TEMPER_CHECK(epoch >= 0, "loader: expected an epoch of 0 or more, got ", epoch);
  if (epoch_ == epoch || (epoch_ >= 0 && options_.shuffle == Shuffle::none)) return;
  std::vector<int32_t> order(count_);
  if (options_.shuffle == Shuffle::none)
    std::iota(order.begin(), order.end(), 0);
  else
    order = permutation(count_, {engine_.seed(), RngStreamId::shuffle, static_cast<uint32_t>(epoch)});
  order.resize(listed_);
  for (int64_t i = count_; i < listed_; ++i) order[i] = order[i - count_];
  const Stream stream = engine_.stream();
  copy(stream, order_.data(), stream.device, order.data(), Device::cpu, listed_ * sizeof(int32_t));
  synchronize(stream);
  epoch_ = epoch;
}

Batch Loader::blank(int64_t index) {
  TEMPER_CHECK(index >= 0 && index < batches(), "loader: an epoch has ", batches(), " batches, batch ", index,
               " was asked for");
  const int64_t n = served(index);
  Arena& arena = engine_.arena();
  const DType dtype = engine_.compute() == DType::f64 ? DType::f64 : DType::f32;
  return {arena.tensor({n, augment_.out_h(), augment_.out_w(), augment_.c}, dtype), arena.tensor({n}, DType::i32),
          arena.tensor({n}, DType::i32)};
}

void Loader::fill(const Batch& batch, ScalarArg<int64_t> first, ScalarArg<uint32_t> epoch) {
  const Stream stream = engine_.stream();
  const int64_t n = batch.size();
  take(stream, n, order_.data(), first, batch.ids.as<int32_t>());
  gather(stream, n, labels_.data(), batch.ids.as<int32_t>(), batch.labels.as<int32_t>());
  AugmentOptions options = augment_;
  options.key.step = epoch;
  dispatch_full(batch.images.dtype, [&](auto tag) {
    using T = decltype(tag);
    const auto from = [&](const auto* pixels) {
      augment(stream, n, pixels, batch.ids.as<int32_t>(), batch.images.as<T>(), options);
    };
    if (dtype_ == DType::u8)
      from(pixels_.data());
    else
      from(reinterpret_cast<const float*>(pixels_.data()));
  });
}

Batch Loader::load(int64_t epoch, int64_t index) {
  const Batch batch = blank(index);
  open(epoch);
  fill(batch, first(index), static_cast<uint32_t>(epoch));
  return batch;
}

}  // namespace temper
