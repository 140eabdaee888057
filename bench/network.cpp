#include "bench/network.h"

#include <regex>

#include "core/convolution/arithmetic.h"
#include "core/ops/loss.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/range.h"
#include "trainers/experiment.h"

namespace temper::bench {

namespace {

const std::string kQuickstart = "quickstart";

}  // namespace

std::string model_section(const std::string& network) {
  std::smatch wide;
  if (std::regex_match(network, wide, std::regex("wide_resnet([0-9]+)_([0-9]+)")))
    return cat("{name: wide_resnet, depth: ", wide[1].str(), ", width: ", wide[2].str(), "}");
  if (network == kQuickstart) return "{name: small_cnn, strides: [1, 2, 1, 2, 1]}";
  return cat("{name: ", network, "}");
}

DataShape data_shape(const std::string& network) {
  return network == kQuickstart ? DataShape{.height = 28, .width = 28, .channels = 1} : DataShape{};
}

Json conv_choice(Engine& engine) {
  const EngineOptions& o = engine.options();
  Json j{{"library", engine.conv().name()}, {"notes", engine.conv().notes()}};
  if (engine.device() == Device::cpu) return j;
  j["math"] = o.planning.math == ConvMath::tf32 ? "tf32" : "f32";
  j["plans"] = o.planning.choice == PlanChoice::timed ? "timed" : "proposed";
  return j;
}

std::map<ConvShape, ConvCount> convolutions_of(const std::string& network) {
  const Experiment experiment = read_experiment(parse_config(cat("model: ", model_section(network)), network));
  const DataShape data = data_shape(network);
  RangeLog log;
  Engine engine({.ranges = &log});
  const auto model = make_network(engine, experiment, data);
  log.clear();
  ParamBuffer gradient(model->params(), DType::f32, engine.stream());
  const Tensor image = engine.arena().tensor({1, data.height, data.width, data.channels}, DType::f32),
               label = engine.arena().tensor({1}, DType::i32);
  set_zero(engine.stream(), image.data, image.bytes());
  set_zero(engine.stream(), label.data, label.bytes());
  {
    Tape tape(engine, Wrt::input);
    tape.backward(cross_entropy(tape, (*model)(tape, tape.input(image), Pass::eval()), label));
  }
  std::map<ConvShape, ConvCount> found;
  for (const RangeLog::Node& n : log.nodes()) {
    const std::optional<ConvShape> shape = convolution_of(n);
    if (!shape) continue;
    ConvCount& count = found[*shape];
    int64_t& kind = n.name == "conv2d_backward_data"            ? count.data
                    : n.name == "conv2d_backward_data_relu"     ? count.masked
                    : n.name == "conv2d_backward_data_add_relu" ? count.masked_residual
                                                                : count.forward;
    kind += n.count;
  }
  log.clear();
  {
    Tape tape(engine, Wrt::params);
    tape.backward(cross_entropy(tape, (*model)(tape, tape.input(image), Pass::eval()), label), gradient);
  }
  for (const RangeLog::Node& n : log.nodes())
    if (n.name == "conv2d_backward_filter") found[*convolution_of(n)].filter += n.count;
  return found;
}

}  // namespace temper::bench
