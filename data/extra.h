#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "data/augmentation.h"
#include "data/mapped_images.h"

namespace TEMPER_API temper {

/// Further images that fill a share of every training batch.
struct ExtraImages {
  std::shared_ptr<const MappedImages> images = {};  ///< null: none
  double share = 0;                                 ///< of a batch, rounded down to whole images
  int64_t epoch_images = 0;                         ///< images per epoch; 0: as many as the data set has
  Augmentation augmentation = {};                   ///< of these images
};

/// The `data.extra` section: generated or otherwise additional images in files.
struct ExtraSection {
  std::vector<std::string> files;
  double share = 0;
  int64_t epoch_images = 0;
  std::optional<Augmentation> augment;  ///< empty: the run's

  bool on() const { return !files.empty(); }
  void fields(Fields& f);
};

}  // namespace temper
