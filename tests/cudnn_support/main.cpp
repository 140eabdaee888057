// Prints, as Markdown, what cuDNN offers on an H100 for every convolution of ResNet-18 and WideResNet-34-10 with what
// is fused to it. Needs no GPU: the device is a description (h100.json). scripts/check_cudnn_support runs it.
#include <fmt/core.h>

#include <fstream>
#include <set>
#include <sstream>

#include "core/cudnn/conv_plan_cudnn.h"
#include "core/engine.h"
#include "kernels/runtime/range.h"
#include "tests/fixtures/networks.h"

using namespace temper;

namespace {

constexpr int64_t kBatch = 128;

/// The shapes of all convolutions of a network, from the named ranges of a pass.
std::vector<ConvShape> shapes(const std::string& model) {
  RangeLog log;
  Engine engine({.ranges = &log});
  const auto network = test::network(engine, model);
  std::vector<float> pixels(32 * 32 * 3, 0.5f);
  network->predict(engine, {pixels.data(), {1, 32, 32, 3}, DType::f32, Device::cpu}, Pass::eval());
  std::set<ConvShape> found;
  for (const RangeLog::Node& node : log.nodes()) {
    if (node.name.rfind("conv2d", 0) != 0 || node.extents.size() != 9) continue;
    const auto& e = node.extents;
    found.insert({kBatch, e[1], e[2], e[3], e[4], e[5], e[6], e[7], e[8]});
  }
  return {found.begin(), found.end()};
}

/// What a training step, and an attack with running statistics, may want of a convolution.
std::vector<ConvKey> passes(const ConvShape& g) {
  using P = ConvPass;
  return {{.shape = g},
          {.shape = g, .bias = true, .relu = true},
          {.shape = g, .bias = true, .residual = true, .relu = true},
          {.shape = g, .statistics = true},
          {.shape = g, .pass = P::backward_data},
          {.shape = g, .pass = P::backward_data, .mask = true},
          {.shape = g, .pass = P::backward_data, .residual = true, .mask = true},
          {.shape = g, .pass = P::backward_filter}};
}

/// "29 (12), 3 MiB": proposals that keep to the rules, how many of them are compiled in advance, and the work space of
/// the first of those that finishes as a plan.
std::string cell(ConvKey key, ConvType type, const cudnn::Descriptor& device) {
  key.type = type;
  const cudnn::Target target{.device = &device};
  const cudnn::Limits limits = cudnn::conv_limits(key);
  const auto configs = cudnn::engine_configs(cudnn::conv_graph(key), target, limits);
  int ready = 0;
  std::string workspace;
  for (const cudnn::Descriptor& config : configs) {
    if (cudnn::engine_facts(config).compiled) continue;
    ++ready;
    if (!workspace.empty()) continue;
    try {
      workspace = fmt::format(", {} MiB", (cudnn::plan_of(config, target).workspace + (1 << 20) - 1) >> 20);
    } catch (const Error&) {
    }
  }
  return configs.empty() ? "none" : fmt::format("{} ({}){}", configs.size(), ready, workspace);
}

std::string read(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void print_table(const std::string& title, const std::string& model, const cudnn::Descriptor& device) {
  fmt::print("\n## {}\n", title);
  for (const ConvShape& g : shapes(model)) {
    fmt::print("\n{}\n\n| | f32 | tf32 | bf16 | f16 |\n|---|---|---|---|---|\n", shape_text(g));
    for (const ConvKey& key : passes(g)) {
      fmt::print("| {} |", pass_text(key));
      for (const ConvType type : {ConvType::f32, ConvType::tf32, ConvType::bf16, ConvType::f16})
        fmt::print(" {} |", cell(key, type, device));
      fmt::print("\n");
    }
  }
}

}  // namespace

int main() try {
  const cudnn::Descriptor device = cudnn::device_from_json(read(TEMPER_SOURCE_DIR "/tests/cudnn_support/h100.json"));
  const size_t v = cudnnGetVersion();
  fmt::print(
      "# What cuDNN offers\n\n"
      "Written by `scripts/check_cudnn_support --write`: the engine configurations that cuDNN {}.{}.{} proposes for an\n"
      "H100 (from a description of one; no GPU was asked) for every convolution of two networks for 32x32 images, with what\n"
      "may be fused to it, NHWC. Only deterministic ones count, and for f32 only those that do not\n"
      "round their operands. \"29 (12), 3 MiB\": 29 proposals, 12 of them compiled in advance (the others are compiled at run\n"
      "time), and the work space of the first of the 12 that finishes as a plan. \"none\" means that the convolution and what\n"
      "is fused to it run one after the other, a 16-bit filter gradient in f32.\n\n"
      "Configurations that use thread block clusters cannot be counted without a driver, so a GPU may have more. Nothing here\n"
      "says which is fastest.\n",
      v / 10000, v % 10000 / 100, v % 100);
  print_table("ResNet-18", "{name: resnet18}", device);
  print_table("WideResNet-34-10", "{name: wide_resnet, depth: 34, width: 10}", device);
  return 0;
} catch (const std::exception& e) {
  fmt::print(stderr, "cudnn_support: {}\n", e.what());
  return 1;
}
