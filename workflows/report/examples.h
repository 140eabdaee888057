#pragma once
#include <string>
#include <vector>

#include "attacks/attack.h"
#include "data/dataset.h"
#include "nn/module.h"
#include "workflows/report/run.h"

namespace temper {

struct Examples {
  double gain = 1;  ///< by which differences are amplified: the largest one becomes black or white
  std::vector<ReportExample> images;
};

/// The first image of each of the first `count` classes among the first images of `set`, before and after `attack`,
/// just as evaluate() attacks them, with what the network says to both.
Examples attack_examples(Engine& engine, const Network& network, const Pass& pass, const ImageSet& set,
                         const Attack& attack, int64_t count = 12);

}  // namespace temper
