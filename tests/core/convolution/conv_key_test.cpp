#include "core/convolution/conv_key.h"

#include "tests/fixtures/catch.h"

using namespace temper;

namespace {

const ConvShape kLayer{.n = 128, .h = 32, .w = 32, .c = 64, .k = 128, .r = 3, .s = 3, .stride = 2, .pad = 1};
const PlanSource kSource{.library = "cuDNN 9.19.0", .device = "NVIDIA H100 (sm_90)", .workspace = int64_t{256} << 20};

}  // namespace

TEST_CASE("a refusal names op, type, shapes, library, device, what was refused and what to change", "[plans]") {
  const ConvKey key{.shape = kLayer, .bias = true, .relu = true};
  CHECK(
      refusal_text(key,
                   {.proposed = 7,
                    .nondeterministic = 1,
                    .imprecise = 4,
                    .too_large = 2,
                    .least_workspace = (int64_t{300} << 20) + 1},
                   kSource) ==
      "conv2d: cuDNN 9.19.0 on NVIDIA H100 (sm_90) has no engine for forward + bias + ReLU in f32 of x (128, 32, 32, "
      "64), w (128, 3, 3, 64), stride 2, padding 1: of 7 it proposes, 1 would not repeat bit for bit, 4 would round "
      "their operands, 2 need more than 256 MiB of work space; raise convolution.workspace_mb to 301 or lower batch_size");
}

TEST_CASE("a refusal's advice fits its reason", "[plans]") {
  const auto text = [](ConvKey key, PlanRefusals refusals) { return refusal_text(key, refusals, kSource); };
  ConvKey thin{.shape = kLayer, .type = ConvType::bf16, .pass = ConvPass::backward_filter};
  thin.shape.c = 3;
  CHECK_THAT(text(thin, {}), ContainsSubstring("filter gradient in bf16") &&
                                 ContainsSubstring(": it proposes none; ") &&
                                 ContainsSubstring("channel counts that are multiples of 8"));
  CHECK_THAT(text({.shape = kLayer}, {}), ContainsSubstring("libnvrtc"));
  CHECK_THAT(text({.shape = kLayer, .alignment = 4}, {.proposed = 1, .failed = 1}),
             ContainsSubstring("start at a multiple of 16 bytes"));
  CHECK_THAT(text({.shape = kLayer, .type = ConvType::f16}, {.proposed = 1, .failed = 1, .last_failure = "no cubin"}),
             ContainsSubstring("of 1 it proposes, 1 could not be built (no cubin); use precision.compute: f32"));
  CHECK_THAT(text({.shape = kLayer}, {.proposed = 2, .nondeterministic = 2}),
             ContainsSubstring("use another batch_size, or device: cpu"));
}

TEST_CASE("keys that differ have different names", "[plans]") {
  const ConvKey key{.shape = kLayer};
  ConvKey other = key;
  other.mask = true;
  other.pass = ConvPass::backward_data;
  CHECK(id_text(other) != id_text(key));
  other = key;
  other.type = ConvType::tf32;
  CHECK(id_text(other) != id_text(key));
  other = key;
  other.alignment = 4;
  CHECK(id_text(other) != id_text(key));
  CHECK(id_text(key) ==
        "conv2d forward, f32, x (128, 32, 32, 64), w (128, 3, 3, 64), stride 2, padding 1, aligned to 16");
}
