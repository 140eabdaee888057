#if defined(TEMPER_CUDA)
#include <algorithm>

#include "core/cudnn/conv_engines_cudnn.h"
#include "core/cudnn/conv_plan_cudnn.h"
#include "core/cudnn/run_time_compiler_cudnn.h"
#include "core/engine.h"
#include "core/files/file.h"
#include "core/plans/conv_trial.h"
#include "core/threads/parallel.h"
#include "source_dir.h"
#include "tests/fixtures/devices.h"

using namespace temper;

namespace {

std::string h100_json() {
  const std::vector<char> text = read_file(TEMPER_SOURCE_DIR "/tests/cudnn_support/h100.json");
  return {text.begin(), text.end()};
}
cudnn::Descriptor h100() { return cudnn::device_from_json(h100_json()); }

const ConvShape kLayer{.n = 128, .h = 32, .w = 32, .c = 64, .k = 64, .r = 3, .s = 3, .stride = 1, .pad = 1};
const ConvSearch kOne{.workspace = int64_t{256} << 20};
/// One whose engines are all compiled at run time.
const ConvKey kCompiled{.shape = kLayer, .type = ConvType::bf16, .pass = ConvPass::backward_data, .mask = true};

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

TEST_CASE("a plan from its text is of the same engine", "[cudnn]") {
  const auto engines = make_described_engines(h100_json());
  const ConvKey key{.shape = kLayer, .type = ConvType::bf16};
  PlanRefusals refusals;
  const auto found = engines->find(key, kOne, refusals);
  REQUIRE(found.size() == 1);
  const auto loaded = engines->load(key, found[0]->text());
  CHECK(loaded->engine() == found[0]->engine());
  CHECK(loaded->compiled() == found[0]->compiled());
  CHECK(loaded->workspace() == found[0]->workspace());
}

TEST_CASE("an engine that is not to be taken is not, and counted", "[cudnn]") {
  const auto engines = make_described_engines(h100_json());
  const ConvKey key{.shape = kLayer, .type = ConvType::bf16};
  PlanRefusals refusals;
  const std::string first = engines->find(key, kOne, refusals).at(0)->engine();
  CHECK(refusals.wrong == 0);
  const auto others = engines->find(key, {.workspace = kOne.workspace, .most = 100, .without = {first}}, refusals);
  CHECK(refusals.wrong > 0);
  REQUIRE(!others.empty());
  for (const auto& plan : others) CHECK(plan->engine() != first);
}

TEST_CASE("plans found on several threads are those found on one", "[cudnn]") {
  const auto engines = make_described_engines(h100_json());
  std::vector<ConvKey> keys;
  for (const int64_t n : {64, 128})
    for (const ConvPass pass : {ConvPass::forward, ConvPass::backward_data})
      for (const ConvType type : {ConvType::f32, ConvType::bf16}) {
        keys.push_back({.shape = kLayer, .type = type, .pass = pass});
        keys.back().shape.n = n;
      }
  const auto texts = [&](size_t threads) {
    std::vector<std::string> found(keys.size());
    in_parallel(keys.size(), threads, [&](size_t i) {
      PlanRefusals refusals;
      found[i] = engines->find(keys[i], kOne, refusals).at(0)->text();
    });
    return found;
  };
  CHECK(texts(4) == texts(1));
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

TEST_CASE("the run-time compiler is loaded with what it needs, and compiles", "[cudnn]") {
  CHECK(run_time_compiler_fault() == "");
  for (const LoadedLibrary& library : cuda_libraries()) {
    CAPTURE(library.name);
    CHECK(library.path.find('/') == 0);
  }
}

TEST_CASE("a device proposes engines that it compiles at run time", "[cudnn][cuda]") {
  TEMPER_NEEDS_CUDA();
  CHECK(run_time_engines() > 0);
  CHECK(make_cuda_engines()->notes().empty());
}

TEST_CASE("a plan that was compiled at run time computes the same from its text", "[cudnn][cuda]") {
  TEMPER_NEEDS_CUDA();
  Engine engine({.device = Device::cuda, .arena_mb = 64});
  const auto engines = make_cuda_engines();
  PlanRefusals refusals;
  const auto found = engines->find(kCompiled, kOne, refusals);
  REQUIRE(found.size() == 1);
  CHECK(found[0]->compiled());
  const auto loaded = engines->load(kCompiled, found[0]->text());
  const ConvTrial trial(engine.stream(), kCompiled, std::max(found[0]->workspace(), loaded->workspace()));
  CHECK(trial.fault(*found[0]) == "");
  CHECK(trial.fault(*loaded) == "");
  const auto again = make_cuda_engines()->find(kCompiled, kOne, refusals);  // compiled once a process
  REQUIRE(again.size() == 1);
  CHECK(again[0]->text() == found[0]->text());
  CHECK(trial.fault(*again[0]) == "");
  CHECK(engines->seconds(engine.stream(), [&] { trial.run(*loaded); }) > 0);
}

TEST_CASE("every kind of convolution of a layer is right on a device", "[cudnn][cuda]") {
  TEMPER_NEEDS_CUDA();
  Engine engine({.device = Device::cuda, .arena_mb = 64});
  const auto engines = make_cuda_engines();
  using P = ConvPass;
  for (const ConvType type : {ConvType::f32, ConvType::tf32, ConvType::bf16, ConvType::f16})
    for (const ConvKey& key :
         std::vector<ConvKey>{{.shape = kLayer, .type = type, .bias = true, .residual = true, .relu = true},
                              {.shape = kLayer, .type = type, .statistics = type != ConvType::f32},
                              {.shape = kLayer, .type = type, .pass = P::backward_data, .accumulate = true},
                              {.shape = kLayer, .type = type, .pass = P::backward_data, .mask = true},
                              {.shape = kLayer, .type = type, .pass = P::backward_data, .residual = true, .mask = true},
                              {.shape = kLayer, .type = type, .pass = P::backward_filter}}) {
      CAPTURE(id_text(key));
      PlanRefusals refusals;
      const auto plans = engines->find(key, kOne, refusals);
      REQUIRE(plans.size() == 1);
      CHECK(ConvTrial(engine.stream(), key, plans[0]->workspace()).fault(*plans[0]) == "");
    }
}
#endif
