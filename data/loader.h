#pragma once
#include <cstdint>
#include <vector>

#include "core/config/config.h"
#include "core/engine.h"
#include "data/batch.h"
#include "data/dataset.h"
#include "kernels/augment/augment.h"
#include "kernels/runtime/device_array.h"

namespace TEMPER_API temper {

/// The augmentation of training images (kernels/augment).
struct Augmentation {
  int crop_pad = 0;
  Padding padding = Padding::zero;
  Flip flip = Flip::none;
  void fields(Fields& f);
};

enum class Shuffle : uint8_t { none, every_epoch };

/// What becomes of an epoch's last batch where samples for a full one are missing: it is smaller; it is left out; or it
/// is filled up with samples that were served before, so that all batches have one size.
enum class LastBatch : uint8_t { keep, drop, pad };

struct LoaderOptions {
  int64_t batch_size = 128;
  Shuffle shuffle = Shuffle::none;
  Augmentation augmentation = {};
  LastBatch last_batch = LastBatch::keep;
};

/// A data set in the engine's memory, served in batches. The order of an epoch is a function of seed and epoch, the
/// augmentation of a sample is a function of seed, epoch and the sample's id. So batches can be loaded in any order,
/// with the same bits for any batch size and number of threads.
class Loader {
 public:
  /// Copies the set to the engine's device. `engine` must outlive the loader. Throws Error on an empty set, a batch
  /// size below 1, a reflecting crop_pad that is not smaller than the image, or LastBatch::drop where no batch is left.
  Loader(Engine& engine, const ImageSet& set, LoaderOptions options);
  Loader(const Loader&) = delete;

  int64_t size() const { return count_; }
  int64_t batch_size() const { return options_.batch_size; }
  int64_t batches() const;  ///< per epoch
  /// One batch of each size that an epoch has: the first and, if it is smaller, the last.
  std::vector<int64_t> of_every_size() const;
  /// The number of samples of batch `index` that count: all except those that LastBatch::pad adds, which come last.
  int64_t counted(int64_t index) const;

  /// Batch `index` of epoch `epoch`, in the engine's arena. Images are f64 where the engine computes in f64, f32
  /// otherwise.
  Batch load(int64_t epoch, int64_t index);

  // load() in three parts, so that the third can be captured:
  /// Copies the order of `epoch` to the device.
  void open(int64_t epoch);
  /// An uninitialised batch of the size of batch `index`.
  Batch blank(int64_t index);
  /// The position of batch `index` in an epoch's order.
  int64_t first(int64_t index) const { return index * options_.batch_size; }
  /// Fills a batch with the samples from position `first` on. `epoch` must be the open epoch; it selects the random
  /// numbers of augmentation.
  void fill(const Batch& batch, ScalarArg<int64_t> first, ScalarArg<uint32_t> epoch);

 private:
  /// Samples of batch `index`.
  int64_t served(int64_t index) const;

  Engine& engine_;
  LoaderOptions options_;
  AugmentOptions augment_;
  int64_t count_ = 0;
  int64_t listed_ = 0;  ///< entries of the order, with those that LastBatch::pad adds
  int64_t epoch_ = -1;
  DType dtype_;                  ///< of the pixels
  DeviceArray<uint8_t> pixels_;  ///< their bytes
  DeviceArray<int32_t> labels_, order_;
};

}  // namespace temper
