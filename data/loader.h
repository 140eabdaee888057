#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/engine.h"
#include "data/augmentation.h"
#include "data/batch.h"
#include "data/dataset.h"
#include "data/extra_batches.h"
#include "kernels/runtime/device_array.h"

namespace TEMPER_API temper {

enum class Shuffle : uint8_t { none, every_epoch };

/// What becomes of an epoch's last batch where samples for a full one are missing: it is smaller; it is left out; or it
/// is filled up with samples that were served before, so that all batches have one size.
enum class LastBatch : uint8_t { keep, drop, pad };

struct LoaderOptions {
  int64_t batch_size = 128;
  Shuffle shuffle = Shuffle::none;
  Augmentation augmentation = {};
  LastBatch last_batch = LastBatch::keep;
  ExtraImages extra = {};
  double cutmix = 0;  ///< probability of an image to be mixed with another of its batch
};

/// A data set in the engine's memory, served in batches. The order of an epoch is a function of seed and epoch, the
/// augmentation of a sample is a function of seed, epoch and the sample's id. So batches can be loaded in any order,
/// with the same bits for any batch size and number of threads.
///
/// With extra images all batches are full (the last may be left out), and the first rows of each are the set's own
/// images, the others extra ones (mixed_order). The id of extra image j is size() + j.
///
/// With cutmix a batch has other_labels and other_share. The partner of an image is one of its batch, so there an image
/// depends on the batch size, too.
class Loader {
 public:
  /// Copies the set to the engine's device. `engine` must outlive the loader. Throws Error on an empty set, a batch
  /// size below 1, a reflecting crop_pad that is not smaller than the image, LastBatch::drop where no batch is left, or
  /// extra images of another size or with other classes.
  Loader(Engine& engine, const ImageSet& set, LoaderOptions options);
  Loader(const Loader&) = delete;

  int64_t size() const { return count_; }  ///< of the set, without extra images
  int64_t batch_size() const { return options_.batch_size; }
  int64_t batches() const;  ///< per epoch
  /// One batch of each size that an epoch has: the first and, if it is smaller, the last.
  std::vector<int64_t> of_every_size() const;
  /// The number of samples of batch `index` that count: all except those that LastBatch::pad adds, which come last.
  int64_t counted(int64_t index) const;

  /// Batch `index` of epoch `epoch`, in the engine's arena. Images are f64 where the engine computes in f64, f32
  /// otherwise.
  Batch load(int64_t epoch, int64_t index);

  // load() in four parts, so that the last can be captured:
  /// Copies the order of `epoch` to the device.
  void open(int64_t epoch);
  /// Copies the extra images of batch `index` of the open epoch to the device.
  void bring(int64_t index);
  /// An uninitialised batch of the size of batch `index`.
  Batch blank(int64_t index);
  /// The position of batch `index` in an epoch's order.
  int64_t first(int64_t index) const { return index * options_.batch_size; }
  /// Fills a batch with the samples from position `first` on. `epoch` must be the open epoch; it selects the random
  /// numbers of augmentation. Extra images are those brought last.
  void fill(const Batch& batch, ScalarArg<int64_t> first, ScalarArg<uint32_t> epoch);

 private:
  void fill_images(const Batch& batch, ScalarArg<uint32_t> epoch);
  /// Samples of batch `index`.
  int64_t served(int64_t index) const;
  /// Extra images per batch, and images per epoch.
  int64_t extra_rows() const;
  int64_t epoch_images() const;
  std::vector<int32_t> order_of(int64_t epoch) const;
  std::span<const int32_t> extra_of(int64_t index) const;

  Engine& engine_;
  LoaderOptions options_;
  AugmentOptions augment_;
  int64_t count_ = 0;
  int64_t listed_ = 0;  ///< entries of the order, with those that LastBatch::pad adds
  int64_t epoch_ = -1;
  DType dtype_;                  ///< of the pixels
  DeviceArray<uint8_t> pixels_;  ///< their bytes
  DeviceArray<int32_t> labels_, order_;
  std::optional<ExtraBatches> extra_;
  std::vector<int32_t> brought_;  ///< the indices of the open epoch's extra images, batch by batch
};

}  // namespace temper
