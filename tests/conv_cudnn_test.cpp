#if defined(TEMPER_CUDA)
#include <algorithm>

#include "core/conv_plan_cudnn.h"
#include "core/file.h"
#include "source_dir.h"
#include "tests/skip.h"

using namespace temper;

namespace {

cudnn::Descriptor h100() {
  const std::vector<char> text = read_file(TEMPER_SOURCE_DIR "/tests/cudnn_support/h100.json");
  return cudnn::device_from_json({text.begin(), text.end()});
}

const ConvShape kLayer{.n = 128, .h = 32, .w = 32, .c = 64, .k = 64, .r = 3, .s = 3, .stride = 1, .pad = 1};

}  // namespace

TEST_CASE("a plan survives as text", "[cudnn]") {
  const cudnn::Descriptor device = h100();
  const ConvKey key{.shape = kLayer, .type = ConvType::bf16, .bias = true, .relu = true};
  PlanRefusals refusals;
  const auto plans =
      cudnn::find_plans(cudnn::conv_graph(key), {.device = &device}, cudnn::conv_limits(key), 2, &refusals);
  REQUIRE(plans.size() == 2);
  CHECK(refusals.proposed > 0);
  const std::string json = plans[0].json();
  CHECK(cudnn::plan_from_json(json, {.device = &device}).json() == json);
  CHECK_THROWS_AS(cudnn::plan_from_json(json.substr(0, json.size() / 2), {.device = &device}), Error);
}

TEST_CASE("plans keep to their work space, and what was refused is counted", "[cudnn]") {
  const cudnn::Descriptor device = h100();
  const ConvKey key{.shape = kLayer};
  PlanRefusals refusals;
  const auto plans = cudnn::find_plans(cudnn::conv_graph(key), {.device = &device},
                                       cudnn::conv_limits(key, {.workspace = 1 << 20}), 100, &refusals);
  for (const cudnn::Plan& plan : plans) CHECK(plan.workspace <= 1 << 20);
  CHECK(refusals.too_large > 0);
  CHECK(refusals.least_workspace > 1 << 20);
  CHECK(refusals.imprecise > 0);  // TF32
}

TEST_CASE("f32 convolutions get no engine that rounds operands, tf32 ones do", "[cudnn]") {
  const cudnn::Descriptor device = h100();
  const auto rounding = [&](ConvType type) {
    const ConvKey key{.shape = kLayer, .type = type};
    const auto configs = cudnn::engine_configs(cudnn::conv_graph(key), {.device = &device}, cudnn::conv_limits(key));
    CHECK(!configs.empty());
    return std::count_if(configs.begin(), configs.end(),
                         [](const auto& c) { return cudnn::engine_facts(c).tensor_core; });
  };
  CHECK(rounding(ConvType::f32) == 0);
  CHECK(rounding(ConvType::tf32) > 0);
}
#endif
