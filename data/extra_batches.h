#pragma once
#include <span>
#include <vector>

#include "core/engine.h"
#include "data/batch.h"
#include "data/extra.h"
#include "kernels/runtime/device_array.h"

namespace TEMPER_API temper {

/// The extra images of a loader's batches. The images of one batch are copied from their files to the device before
/// the batch is made, so that a captured step finds them at a fixed place.
class ExtraBatches {
 public:
  /// `options` are those of the loader's own images. Throws Error if the extra images do not go with them.
  ExtraBatches(Engine& engine, const ExtraImages& extra, int64_t per_batch, AugmentOptions options);

  /// Copies these images, one batch, to the device.
  void bring(std::span<const int32_t> which);
  /// Tells the system that these images are brought next.
  void will_bring(std::span<const int32_t> which) const;
  /// Fills images and labels of `rows`, whose ids are set, with the images brought last.
  void fill(const Batch& rows, const AugmentOptions& options);
  const AugmentOptions& options() const { return options_; }

 private:
  Engine& engine_;
  std::shared_ptr<const MappedImages> images_;
  AugmentOptions options_;
  std::vector<uint8_t> host_pixels_;
  std::vector<int32_t> host_labels_;
  DeviceArray<uint8_t> pixels_;
  DeviceArray<int32_t> labels_;
};

}  // namespace temper
