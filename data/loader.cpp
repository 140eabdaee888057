#include "data/loader.h"

#include <algorithm>
#include <numeric>

#include "data/shuffle.h"
#include "kernels/cut_mix/cut_mix.h"
#include "kernels/gather/gather.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

/// The substream of augmentation's random numbers from which cut_mix draws.
constexpr uint32_t kCutMix = 1;

AugmentOptions options_for(const ImageSet& set, const Augmentation& a, uint64_t seed) {
  TEMPER_CHECK(a.padding == Padding::zero || a.crop_pad < std::min(set.height, set.width), "loader: images are ",
               set.height, " x ", set.width, " so a reflecting crop_pad must be smaller than that, got ", a.crop_pad);
  return {.h = static_cast<int>(set.height),
          .w = static_cast<int>(set.width),
          .c = static_cast<int>(set.channels),
          .crop_h = static_cast<int>(set.crop),
          .crop_w = static_cast<int>(set.crop),
          .crop_pad = a.crop_pad,
          .padding = a.padding,
          .flip = a.flip,
          .cutout = a.cutout,
          .key = {.seed = seed, .stream_id = RngStreamId::augment}};
}

}  // namespace

Loader::Loader(Engine& engine, const ImageSet& set, LoaderOptions options)
    : engine_(engine), options_(options), count_(set.size()), dtype_(set.dtype) {
  set.check("loader");
  TEMPER_CHECK(options.batch_size > 0, "loader: expected a batch_size of 1 or more, got ", options.batch_size);
  augment_ = options_for(set, options.augmentation, engine.seed());
  TEMPER_CHECK(batches() > 0, "loader: ", epoch_images(), " samples do not fill a batch of ", options.batch_size,
               " and a last batch that is not full is left out; lower the batch size, or keep the last batch");
  const Stream stream = engine.stream();
  if (const ExtraImages& extra = options.extra; extra.images) {
    extra.images->check(set.height, set.width, set.channels, set.classes);
    TEMPER_CHECK(extra_rows() > 0, "data.extra.share: ", extra.share, " of a batch of ", options.batch_size,
                 " images is less than one; raise it, or the batch size");
    extra_.emplace(engine, extra, extra_rows(), options_for(set, extra.augmentation, engine.seed()));
  }
  listed_ = (batches() - 1) * options.batch_size + served(batches() - 1);
  pixels_ = {stream, set.pixels};
  labels_ = {stream, set.labels};
  order_ = {stream, static_cast<size_t>(listed_)};
}

int64_t Loader::extra_rows() const {
  const ExtraImages& extra = options_.extra;
  return extra.images ? static_cast<int64_t>(static_cast<double>(options_.batch_size) * extra.share) : 0;
}

int64_t Loader::epoch_images() const {
  const ExtraImages& extra = options_.extra;
  return extra.images && extra.epoch_images > 0 ? extra.epoch_images : count_;
}

int64_t Loader::batches() const {
  const int64_t whole = epoch_images() / options_.batch_size;
  return whole + (options_.last_batch != LastBatch::drop && epoch_images() % options_.batch_size > 0 ? 1 : 0);
}

std::vector<int64_t> Loader::of_every_size() const {
  const int64_t last = batches() - 1;
  return served(last) == served(0) ? std::vector<int64_t>{0} : std::vector<int64_t>{0, last};
}

int64_t Loader::counted(int64_t index) const {
  return options_.extra.images ? options_.batch_size : std::min(options_.batch_size, count_ - first(index));
}

int64_t Loader::served(int64_t index) const {
  // An only batch is the one size there is.
  return options_.last_batch == LastBatch::pad && batches() > 1 ? options_.batch_size : counted(index);
}

std::vector<int32_t> Loader::order_of(int64_t epoch) const {
  if (extra_)
    return mixed_order({.own = count_,
                        .extra = options_.extra.images->size(),
                        .batches = batches(),
                        .own_rows = options_.batch_size - extra_rows(),
                        .extra_rows = extra_rows()},
                       engine_.seed(), epoch);
  std::vector<int32_t> order(count_);
  if (options_.shuffle == Shuffle::none)
    std::iota(order.begin(), order.end(), 0);
  else
    order = permutation(count_, {engine_.seed(), RngStreamId::shuffle, static_cast<uint32_t>(epoch)});
  order.resize(listed_);
  for (int64_t i = count_; i < listed_; ++i) order[i] = order[i - count_];
  return order;
}

void Loader::open(int64_t epoch) {
  TEMPER_CHECK(epoch >= 0, "loader: expected an epoch of 0 or more, got ", epoch);
  if (epoch_ == epoch || (epoch_ >= 0 && options_.shuffle == Shuffle::none)) return;
  const std::vector<int32_t> order = order_of(epoch);
  const Stream stream = engine_.stream();
  copy(stream, order_.data(), stream.device, order.data(), Device::cpu, listed_ * sizeof(int32_t));
  synchronize(stream);
  brought_.clear();
  for (const int32_t id : order)
    if (id >= count_) brought_.push_back(id - static_cast<int32_t>(count_));
  epoch_ = epoch;
}

std::span<const int32_t> Loader::extra_of(int64_t index) const {
  const auto rows = static_cast<size_t>(extra_rows());
  return std::span(brought_).subspan(static_cast<size_t>(index) * rows, rows);
}

void Loader::bring(int64_t index) {
  if (!extra_) return;
  extra_->bring(extra_of(index));
  if (index + 1 < batches()) extra_->will_bring(extra_of(index + 1));
}

Batch Loader::blank(int64_t index) {
  TEMPER_CHECK(index >= 0 && index < batches(), "loader: an epoch has ", batches(), " batches, batch ", index,
               " was asked for");
  const int64_t n = served(index);
  Arena& arena = engine_.arena();
  const DType dtype = engine_.compute() == DType::f64 ? DType::f64 : DType::f32;
  Batch batch{.images = arena.tensor({n, augment_.out_h(), augment_.out_w(), augment_.c}, dtype),
              .labels = arena.tensor({n}, DType::i32),
              .ids = arena.tensor({n}, DType::i32)};
  if (options_.cutmix > 0) {
    batch.other_labels = arena.tensor({n}, DType::i32);
    batch.other_share = arena.tensor({n}, dtype);
  }
  return batch;
}

void Loader::fill(const Batch& batch, ScalarArg<int64_t> first, ScalarArg<uint32_t> epoch) {
  const Stream stream = engine_.stream();
  take(stream, batch.size(), order_.data(), first, batch.ids.as<int32_t>());
  if (!batch.other_labels) return fill_images(batch, epoch);
  const Arena::Scope scope(engine_.arena());
  Batch whole = batch;
  whole.images = engine_.arena().tensor(batch.images.shape, batch.images.dtype);
  fill_images(whole, epoch);
  CutMix options{.h = augment_.out_h(),
                 .w = augment_.out_w(),
                 .c = augment_.c,
                 .probability = static_cast<float>(options_.cutmix),
                 .key = augment_.key};
  options.key.step = epoch;
  options.key.substream = kCutMix;
  dispatch_full(batch.images.dtype, [&](auto tag) {
    using T = decltype(tag);
    cut_mix(stream, batch.size(), options, batch.images.as<T>(), batch.other_labels.as<int32_t>(),
            batch.other_share.as<T>(), whole.images.as<T>(), batch.labels.as<int32_t>(), batch.ids.as<int32_t>());
  });
}

void Loader::fill_images(const Batch& batch, ScalarArg<uint32_t> epoch) {
  const Stream stream = engine_.stream();
  const int64_t own = batch.size() - extra_rows();
  gather(stream, own, labels_.data(), batch.ids.as<int32_t>(), batch.labels.as<int32_t>());
  AugmentOptions options = augment_;
  options.key.step = epoch;
  dispatch_full(batch.images.dtype, [&](auto tag) {
    using T = decltype(tag);
    const auto from = [&](const auto* pixels) {
      augment(stream, own, pixels, batch.ids.as<int32_t>(), batch.images.as<T>(), options);
    };
    if (dtype_ == DType::u8)
      from(pixels_.data());
    else
      from(reinterpret_cast<const float*>(pixels_.data()));
  });
  if (!extra_) return;
  options = extra_->options();
  options.key.step = epoch;
  const auto rest = [&](const Tensor& t) { return t.rows(own, extra_rows()); };
  extra_->fill({.images = rest(batch.images), .labels = rest(batch.labels), .ids = rest(batch.ids)}, options);
}

Batch Loader::load(int64_t epoch, int64_t index) {
  const Batch batch = blank(index);
  open(epoch);
  bring(index);
  fill(batch, first(index), static_cast<uint32_t>(epoch));
  return batch;
}

}  // namespace temper
