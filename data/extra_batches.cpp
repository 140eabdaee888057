#include "data/extra_batches.h"

#include <cstring>

#include "kernels/gather/gather.h"

namespace temper {

ExtraBatches::ExtraBatches(Engine& engine, const ExtraImages& extra, int64_t per_batch, AugmentOptions options)
    : engine_(engine),
      images_(extra.images),
      options_(options),
      host_pixels_(static_cast<size_t>(per_batch * extra.images->image_bytes())),
      host_labels_(static_cast<size_t>(per_batch)),
      pixels_(engine.stream(), host_pixels_.size()),
      labels_(engine.stream(), host_labels_.size()) {
  options_.images = AugmentOptions::Images::in_order;
}

void ExtraBatches::bring(std::span<const int32_t> which) {
  const auto bytes = static_cast<size_t>(images_->image_bytes());
  for (size_t i = 0; i < which.size(); ++i) {
    std::memcpy(host_pixels_.data() + i * bytes, images_->image(which[i]).data(), bytes);
    host_labels_[i] = images_->labels()[static_cast<size_t>(which[i])];
  }
  const Stream stream = engine_.stream();
  copy(stream, pixels_.data(), stream.device, host_pixels_.data(), Device::cpu, which.size() * bytes);
  copy(stream, labels_.data(), stream.device, host_labels_.data(), Device::cpu, which.size() * sizeof(int32_t));
  synchronize(stream);
}

void ExtraBatches::will_bring(std::span<const int32_t> which) const {
  for (const int32_t i : which) FileMapping::will_read(images_->image(i));
}

void ExtraBatches::fill(const Batch& rows, const AugmentOptions& options) {
  const Stream stream = engine_.stream();
  take(stream, rows.size(), labels_.data(), int64_t{0}, rows.labels.as<int32_t>());
  dispatch_full(rows.images.dtype, [&](auto tag) {
    using T = decltype(tag);
    augment(stream, rows.size(), pixels_.data(), rows.ids.as<int32_t>(), rows.images.as<T>(), options);
  });
}

}  // namespace temper
