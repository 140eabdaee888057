#pragma once
#include "core/config/config.h"

namespace TEMPER_API temper {

/// When the clean images of a step pass the network in training, which moves its running statistics: if a term of the
/// loss needs them, or always.
enum class CleanPass : uint8_t { needed, always };

inline void clean_pass_field(Fields& f, CleanPass& clean_pass) {
  f.choice("clean_pass", clean_pass, {{"needed", CleanPass::needed}, {"always", CleanPass::always}},
           "when the clean images pass the network, which moves its running statistics: if a term of the loss needs "
           "them (paper), or always (code)");
}

}  // namespace temper
