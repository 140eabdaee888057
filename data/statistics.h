#pragma once
#include <vector>

#include "data/dataset.h"

namespace TEMPER_API temper {

/// Class counts and pixel statistics of a set.
struct Statistics {
  std::vector<int64_t> per_class;
  std::vector<double> mean, std;  ///< per channel, of pixels in [0, 1]
};

Statistics statistics(const ImageSet& set);

}  // namespace temper
