// Numbers that are none: refused where weights enter, and noticed where logits leave.
#include <cmath>
#include <cstring>
#include <limits>

#include "core/ops/conv.h"
#include "evaluation/robust_accuracy.h"
#include "nn/weights.h"
#include "nn/weights_check.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/records/test_evaluation.h"
#include "trainers/state/checkpoint.h"

using namespace temper;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();

struct Damage {
  const char* array;
  int64_t at;  ///< in PyTorch's order
  double value;
  const char* said;
};

// conv1 is (4, 1, 3, 3), conv2 (8, 4, 3, 3) for PyTorch.
const std::vector<Damage> kDamages = {{"conv1.weight", 0, kNan, "'conv1.weight' holds nan at [0, 0, 0, 0]"},
                                      {"conv2.weight", 287, kInfinity, "'conv2.weight' holds inf at [7, 3, 2, 2]"},
                                      {"conv2.weight", 75, -kInfinity, "'conv2.weight' holds -inf at [2, 0, 1, 0]"},
                                      {"conv2.weight", 75, 1e300, "'conv2.weight' holds inf at [2, 0, 1, 0]"},
                                      {"bn1.weight", 2, kNan, "'bn1.weight' holds nan at [2]"},
                                      {"fc.weight", 9, kNan, "'fc.weight' holds nan at [1, 1]"},
                                      {"bn2.running_mean", 7, kNan, "'bn2.running_mean' holds nan at [7]"},
                                      {"bn2.running_var", 3, kNan, "'bn2.running_var' holds nan at [3]"},
                                      {"bn2.running_var", 3, -0.5, "'bn2.running_var' holds -0.5 at [3]"}};

NamedArray as_f64(const NamedArray& a) {
  NamedArray out{a.name, DType::f64, a.shape, std::vector<char>(a.bytes.size() * 2)};
  for (size_t i = 0; i < a.bytes.size() / 4; ++i) {
    float v;
    std::memcpy(&v, a.bytes.data() + 4 * i, 4);
    const double wide = v;
    std::memcpy(out.bytes.data() + 8 * i, &wide, 8);
  }
  return out;
}

std::vector<NamedArray> damaged(const Network& network, const Damage& d) {
  std::vector<NamedArray> arrays = export_weights(network);
  for (NamedArray& a : arrays) {
    if (a.name != d.array) continue;
    a = as_f64(a);
    std::memcpy(a.bytes.data() + 8 * d.at, &d.value, 8);
  }
  return arrays;
}

/// Puts a number into a network past every check.
void spoil(ParamBuffer& buffer, const std::string& array, double value) {
  const int i = buffer.layout().find(array);
  std::vector<double> values = buffer.read(i);
  values.back() = value;
  buffer.write(i, values);
}

}  // namespace

TEST_CASE("weights that are no numbers are refused, and nothing is changed", "[networks][errors]") {
  Engine engine({.arena_mb = 16});
  const auto network = test::network(engine, "{name: test_net}", {.data = {8, 8, 1, 3}, .seed = 3});
  const auto before = test::arrays_of(network->weights().params);
  for (const Damage& d : kDamages) {
    INFO(d.said);
    CHECK_THROWS_WITH(import_weights(*network, damaged(*network, d), "w.npz"),
                      StartsWith(std::string("w.npz: ") + d.said));
    CHECK(test::arrays_of(network->weights().params) == before);
  }
  CHECK_NOTHROW(import_weights(*network, damaged(*network, {"bn2.running_var", 3, 0, ""}), "w.npz"));
}

TEMPER_DEVICE_TEST("a checkpoint with weights that are no numbers is refused", "[resume][errors]") {
  Experiment e = test::tiny("{name: standard}", test::on(device, {"ema.decay=0.9"}));
  TrainingState state(e, read_splits(e));
  const auto visit = [&](StateVisitor& v) { state.visit(v); };
  spoil(state.ema->weights().params, "conv2.weight", kNan);
  CHECK_THROWS_WITH(restore(collect(visit), "last.safetensors", visit),
                    StartsWith("last.safetensors: 'ema.params.conv2.weight' holds nan at [7, 3, 2, 2]"));
  spoil(state.ema->weights().params, "conv2.weight", 0);
  spoil(state.network->weights().buffers, "bn1.running_var", -1);
  CHECK_THROWS_WITH(restore(collect(visit), "last.safetensors", visit),
                    StartsWith("last.safetensors: 'model.buffers.bn1.running_var' holds -1 at [3]"));
}

TEMPER_DEVICE_TEST("weights that are no numbers get no accuracy", "[evaluation][errors]") {
  Experiment e = test::tiny("{name: standard}", test::on(device, {"evaluation.attacks.pgd.radius=0.05"}));
  TrainingState state(e, read_splits(e));
  Weights& w = state.network->weights();
  test::Recorder nobody;
  const auto measure = [&] { evaluate_test(state.engine, *state.network, e, e.data.reader->train(), nobody); };
  for (const auto& [buffer, array] : {std::pair{&w.params, "conv1.weight"},
                                      {&w.params, "bn1.weight"},
                                      {&w.buffers, "bn2.running_mean"},
                                      {&w.buffers, "bn1.running_var"}}) {
    const std::vector<double> before = buffer->read(buffer->layout().find(array));
    for (const double bad : {kNan, kInfinity, -kInfinity}) {
      spoil(*buffer, array, bad);
      CHECK_THROWS_WITH(measure(), StartsWith(cat("evaluation: '", array, "' holds ")));
    }
    buffer->write(buffer->layout().find(array), before);
  }
  CHECK_NOTHROW(measure());
}

TEMPER_DEVICE_TEST("finite weights whose activations are not get no accuracy", "[evaluation][errors]") {
  // conv1 overflows to infinity, conv2 makes NaN of that, and a ReLU that turns it into 0 would leave the bias of fc.
  std::vector<std::string> types = {"f32", "f16"};
  if (make_cpu_conv()->supports(DType::bf16)) types.push_back("bf16");
  for (const std::string& compute : types) {
    INFO(compute);
    Experiment e = test::tiny("{name: standard}", test::on(device, {cat("precision.compute=", compute)}));
    TrainingState state(e, read_splits(e));
    ParamBuffer& params = state.network->weights().params;
    const auto fill = [&](const char* array, double even, double odd) {
      std::vector<double> values = params.read(params.layout().find(array));
      for (size_t i = 0; i < values.size(); ++i) values[i] = i % 2 ? odd : even;
      params.write(params.layout().find(array), values);
    };
    fill("conv1.weight", 3e38, 3e38);
    fill("conv2.weight", 1, -1);
    Loader loader(state.engine, e.data.reader->train(), {.batch_size = 7});
    CHECK_THROWS_WITH(evaluate(state.engine, *state.network, Pass::eval(), loader, nullptr),
                      ContainsSubstring("are not finite, so they predict nothing"));
  }
}

TEMPER_DEVICE_TEST("a convolution's ReLU lets NaN through where nothing is differentiated", "[conv]") {
  for (const DType type : {DType::f32, DType::bf16, DType::f16})
    for (const int size : {1, 3, 5})
      for (const int stride : {1, 2}) {
        Engine engine({.device = device, .threads = 1, .compute = type, .arena_mb = 64});
        if (!engine.conv().supports(type)) continue;
        INFO(type << " " << size << "x" << size << " stride " << stride);
        Tape tape(engine, Wrt::nothing);
        const Shape shape{2, 8, 8, 16};
        const Tensor x = engine.arena().tensor(shape, type);
        std::vector<double> pixels = test::wave(shape.numel(), 2);
        pixels[3 * 16] = NAN;
        test::write_numbers(engine, x, pixels);
        const Tensor w = test::tensor_of(engine, {32, size, size, 16}, test::wave(32 * size * size * 16, 3));
        const Var y = conv2d_act(tape, {x}, Var{w}, {}, {.stride = stride, .pad = size / 2}, {}, Activation::relu);
        int nans = 0, below = 0;
        for (const double v : test::numbers_of(engine, y.value)) nans += std::isnan(v), below += v < 0;
        CHECK(nans >= (stride == 1 || size > 1 ? 32 : 0));
        CHECK(below == 0);
      }
}

TEMPER_DEVICE_TEST("training stops where an update leaves weights that are no numbers", "[trainers][errors]") {
  Experiment e = test::tiny(test::kPgdAt, test::on(device, {"optimizer.lr=1e300", "optimizer.weight_decay=0"}));
  TrainingState state(e, read_splits(e));
  CHECK_THROWS_WITH(train_step(state, "none"), StartsWith("training: after the update: '") &&
                                                   ContainsSubstring("' holds ") &&
                                                   EndsWith("in epoch 1, step 1 of 6. There is no checkpoint yet"));
}

TEMPER_DEVICE_TEST("training stops where running statistics are no numbers, which no loss shows",
                   "[trainers][errors]") {
  Experiment e = test::tiny("{name: standard}", test::on(device));
  TrainingState state(e, read_splits(e));
  spoil(state.network->weights().buffers, "bn1.running_var", kInfinity);
  CHECK_THROWS_WITH(train_step(state, "none"),
                    StartsWith("training: after the update: 'bn1.running_var' holds inf at [3]"));
}

TEMPER_DEVICE_TEST("numbers too large for their squares are numbers", "[networks]") {
  Engine engine({.device = device, .arena_mb = 64});
  const auto network = test::network(engine, "{name: test_net}", {.data = {8, 8, 1, 3}, .seed = 3});
  spoil(network->weights().params, "fc.weight", 1e30);
  CHECK_NOTHROW(check_weights(engine, network->weights(), "test"));
}
