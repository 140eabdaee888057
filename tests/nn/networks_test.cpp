#include "tests/fixtures/networks.h"
#include "source_dir.h"

#include <algorithm>
#include <fstream>
#include "core/files/file.h"
#include "core/files/json.h"

#include "core/ops/loss.h"
#include "nn/weights.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;
using test::images;
using test::largest_difference;
using test::network;
using test::numbers_of;

namespace {

std::vector<std::string> names(const ParamLayout& layout) {
  std::vector<std::string> out;
  for (const Param& p : layout.all()) out.push_back(p.name);
  return out;
}

/// The formula of golden/make_networks.py.
NamedArray golden_array(const NamedArray& like, int salt) {
  const std::vector<double> w = test::wave(like.numel(), salt);
  NamedArray a{like.name, DType::f64, like.shape, std::vector<char>(like.numel() * sizeof(double))};
  double* v = reinterpret_cast<double*>(a.bytes.data());
  const int64_t fan_in = like.numel() / like.shape[0];
  for (int64_t i = 0; i < like.numel(); ++i) {
    if (like.shape.size() > 1)
      v[i] = w[i] / std::sqrt(static_cast<double>(fan_in));
    else if (like.name.ends_with("running_var") || like.name.ends_with("weight"))
      v[i] = 1 + 0.3 * w[i];
    else
      v[i] = 0.2 * w[i];
  }
  return a;
}

void fill(Network& net) {
  std::vector<NamedArray> arrays = export_weights(net);
  std::sort(arrays.begin(), arrays.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (size_t i = 0; i < arrays.size(); ++i) arrays[i] = golden_array(arrays[i], static_cast<int>(i) + 1);
  import_weights(net, arrays, "golden");
}

/// The most precise numbers a device's networks have, and how close two ways to the same numbers come.
EngineOptions most_precise(Device device) {
  if (device == Device::cuda) return {.device = device, .arena_mb = 512};
  return {.compute = DType::f64, .arena_mb = 512};
}
DType full_type(Device device) { return device == Device::cuda ? DType::f32 : DType::f64; }
double close(Device device) { return device == Device::cuda ? 1e-5 : 1e-12; }

constexpr DataShape kTiny{.height = 8, .width = 8};
const Pass kBatch{.update = BnUpdate::no};

}  // namespace

TEMPER_DEVICE_TEST("networks agree with PyTorch", "[networks]") {
  for (const auto& golden : parse_json(read_text(TEMPER_SOURCE_DIR "/tests/golden/networks.json"))) {
    INFO(golden["model"].get<std::string>());
    Engine engine(most_precise(device));
    const auto net =
        network(engine, golden["model"],
                {.data = kTiny, .mean = {0.5, 0.4, 0.3}, .std = {0.2, 0.25, 0.3}, .dtype = full_type(device)});
    std::vector<std::string> expected = golden["names"], got = names(net->params()), more = names(net->buffers());
    got.insert(got.end(), more.begin(), more.end());
    CHECK(std::is_permutation(expected.begin(), expected.end(), got.begin(), got.end()));

    fill(*net);
    const Tensor x = images(engine, 2, kTiny);
    for (const auto& [key, pass] : {std::pair{"running", Pass::eval()}, {"batch", kBatch}}) {
      const std::vector<double> want = golden[key];
      const double tolerance = device == Device::cuda ? 1e-3 : 1e-9;
      CHECK(largest_difference(numbers_of(engine, net->predict(engine, x, pass)), want) < tolerance);
    }
  }
}

TEST_CASE("networks have the published sizes", "[networks]") {
  Engine engine({.arena_mb = 16});
  const auto count = [&](const std::string& model) {
    ParamLayout params, buffers;
    test::architecture(model)->build(Builder(params, buffers, {"main"}), {});
    return params.numel();
  };
  CHECK(count("{name: resnet18}") == 11173962);
  CHECK(count("{name: resnet34}") == 21282122);
  CHECK(count("{name: preact_resnet18}") == 11171146);
  CHECK(count("{name: preact_resnet18, final_bn: true}") == 11172170);
  CHECK(count("{name: wide_resnet}") == 46160474);
  CHECK(count("{name: wide_resnet, depth: 28}") == 36479194);
  CHECK(count("{name: deepmind_wide_resnet}") == 36479194);
  CHECK(count("{name: deepmind_wide_resnet, depth: 70, width: 16}") == 266796506);
  CHECK(count("{name: resnet20}") == 269722);
  CHECK(count("{name: resnet110}") == 1727962);
  CHECK(count("{name: small_resnet}") == 78042);
  CHECK(count("{name: small_cnn}") == 70618);
}

TEST_CASE("resnet18 has PyTorch's parameter names in PyTorch's order", "[networks]") {
  ParamLayout params, buffers;
  test::architecture("{name: resnet18}")->build(Builder(params, buffers, {"main"}), {});
  std::vector<std::string> want = {"conv1.weight", "bn1.weight", "bn1.bias"};
  for (int stage = 1; stage <= 4; ++stage)
    for (int block = 0; block < 2; ++block) {
      const std::string at = cat("layer", stage, ".", block, ".");
      for (const char* name : {"conv1.weight", "bn1.weight", "bn1.bias", "conv2.weight", "bn2.weight", "bn2.bias"})
        want.push_back(at + name);
      if (stage > 1 && block == 0)
        for (const char* name : {"shortcut.0.weight", "shortcut.1.weight", "shortcut.1.bias"})
          want.push_back(at + name);
    }
  want.insert(want.end(), {"linear.weight", "linear.bias"});
  CHECK(names(params) == want);
  CHECK(names(buffers)[0] == "bn1.running_mean");
  CHECK(names(buffers)[1] == "bn1.running_var");
  CHECK(buffers.count() == 2 * 20);
}

TEST_CASE("initial weights follow the stated rules and the seed alone", "[networks]") {
  Engine engine({.arena_mb = 64});
  const auto deviation = [&](const Network& net, const std::string& name) {
    const std::vector<double> v = net.weights().params.read(net.params().find(name));
    double sum = 0;
    for (const double x : v) sum += x * x;
    return std::sqrt(sum / static_cast<double>(v.size()));
  };
  const auto wide = network(engine, "{name: wide_resnet, depth: 10, width: 2}");
  CHECK(deviation(*wide, "block2.layer.0.conv1.weight") == Approx(std::sqrt(2.0 / (9 * 64))).epsilon(0.03));
  CHECK(deviation(*wide, "fc.bias") == 0);
  const auto deepmind = network(engine, "{name: deepmind_wide_resnet, depth: 10, width: 2}");
  CHECK(deviation(*deepmind, "layer.1.block.0.conv_0.weight") == Approx(std::sqrt(2.0 / (9 * 64))).epsilon(0.03));
  CHECK(deviation(*deepmind, "logits.bias") == 0);
  const auto plain = network(engine, "{name: small_resnet}");
  CHECK(deviation(*plain, "layer3.0.conv1.weight") == Approx(std::sqrt(1.0 / (3 * 9 * 32))).epsilon(0.03));
  const auto he = network(engine, "{name: resnet20}");
  CHECK(deviation(*he, "layer3.0.conv1.weight") == Approx(std::sqrt(2.0 / (9 * 32))).epsilon(0.03));
  CHECK(deviation(*he, "bn1.weight") == 1);

  CHECK(export_weights(*network(engine, "{name: small_cnn}")) == export_weights(*network(engine, "{name: small_cnn}")));
  CHECK(export_weights(*network(engine, "{name: small_cnn}")) !=
        export_weights(*network(engine, "{name: small_cnn}", {.seed = 1})));
}

TEMPER_DEVICE_TEST("taps give features by name without changing the result", "[networks]") {
  Engine engine(most_precise(device));
  const auto net = network(engine, "{name: small_resnet, widths: [4, 8]}", {.data = kTiny, .dtype = full_type(device)});
  fill(*net);
  const Tensor x = images(engine, 2, kTiny);
  for (Pass pass : {Pass::eval(), kBatch}) {
    const std::vector<double> plain = numbers_of(engine, net->predict(engine, x, pass));
    Taps taps(
        {"conv1", "bn1", "bn1.relu", "layer2.0.bn2", "layer2.0.bn2.relu", "layer2.0", "layer2", "features", "linear"});
    pass.taps = &taps;
    Tape tape(engine, Wrt::input);
    const Var y = (*net)(tape, tape.input(x), pass);
    CHECK(largest_difference(plain, numbers_of(engine, y.value)) < close(device));
    CHECK(taps.at("conv1").value.shape == Shape{2, 8, 8, 4});
    CHECK(taps.at("layer2").value.shape == Shape{2, 4, 4, 8});
    CHECK(taps.at("layer2").value.data == taps.at("layer2.0").value.data);
    CHECK(taps.at("layer2").value.data == taps.at("layer2.0.bn2.relu").value.data);
    CHECK(taps.at("features").value.shape == Shape{2, 8});
    CHECK(taps.at("linear").value.data == y.value.data);
    CHECK(taps.at("layer2.0.bn2").needs_grad());
    std::vector<double> before = numbers_of(engine, taps.at("bn1").value);
    for (double& v : before) v = std::max(0.0, v);
    CHECK(numbers_of(engine, taps.at("bn1.relu").value) == before);
  }
  Taps missing({"layer3"});
  net->predict(engine, x, {.bn = BnStats::running, .update = BnUpdate::no, .taps = &missing});
  CHECK_THROWS_WITH(missing.at("layer3"), ContainsSubstring("no layer called 'layer3' ran; did you mean 'layer"));
  CHECK_THROWS_WITH(missing.at("conv1"), "taps: 'conv1' was not asked for before the pass");
}

TEMPER_DEVICE_TEST("BatchNorm branches are independent", "[networks]") {
  Engine engine(most_precise(device));
  const auto net = network(engine, "{name: small_cnn, widths: [4, 4], strides: [1, 2]}",
                           {.data = kTiny, .branches = {"main", "adv"}, .dtype = full_type(device)});
  CHECK(net->params().find("bn1.weight") >= 0);
  CHECK(net->params().find("bn1.adv.weight") >= 0);
  CHECK(net->buffers().find("bn2.adv.running_var") >= 0);
  CHECK(net->branch("adv") == 1);
  CHECK_THROWS_WITH(net->branch("advv"),
                    ContainsSubstring("no BatchNorm branch 'advv'; did you mean 'adv'? (known: main, adv)"));

  const Tensor x = images(engine, 2, kTiny);
  const auto running = [&](const char* name) { return net->weights().buffers.read(net->buffers().find(name)); };
  const auto main_before = running("bn1.running_mean"), adv_before = running("bn1.adv.running_mean");
  const auto evaluated = [&] { return numbers_of(engine, net->predict(engine, x, Pass::eval())); };
  const std::vector<double> eval_before = evaluated();
  const uint64_t version = net->weights().buffers.version();
  ParamBuffer grads(net->params(), full_type(device), engine.stream());
  {
    Tape tape(engine, Wrt::params);
    const Tensor labels = test::labels_of(engine, {3, 5});
    tape.backward(cross_entropy(tape, (*net)(tape, tape.input(x), {.branch = 1}), labels), grads);
  }
  CHECK(net->weights().buffers.version() != version);
  CHECK(running("bn1.running_mean") == main_before);
  CHECK(running("bn1.adv.running_mean") != adv_before);
  CHECK(evaluated() == eval_before);
  const auto nonzero = [&](const char* name) {
    const auto g = grads.read(net->params().find(name));
    return std::any_of(g.begin(), g.end(), [](double v) { return v != 0; });
  };
  CHECK(nonzero("bn1.adv.weight"));
  CHECK(!nonzero("bn1.weight"));
  CHECK(nonzero("conv1.weight"));
  CHECK_THROWS_WITH(net->predict(engine, x, {.branch = 2}),
                    ContainsSubstring("there is no BatchNorm branch 2, only main, adv"));
}

TEMPER_DEVICE_TEST("a pass can use other numbers than the network's own", "[networks]") {
  Engine engine({.device = device, .arena_mb = 64});
  const auto net = network(engine, "{name: small_cnn, widths: [4, 4], strides: [1, 2]}", {.data = kTiny});
  const auto other = network(engine, "{name: small_cnn, widths: [4, 4], strides: [1, 2]}", {.data = kTiny, .seed = 9});
  const Tensor x = images(engine, 2, kTiny);
  Weights copy = net->make_weights(engine);
  net->copy_weights(copy, other->weights());
  Pass pass = Pass::eval();
  const auto predicted = [&](const Network& n) { return numbers_of(engine, n.predict(engine, x, pass)); };
  const std::vector<double> want = predicted(*other);
  pass.weights = &copy;
  CHECK(predicted(*net) == want);
  pass.weights = nullptr;
  CHECK(predicted(*net) != want);
}

TEMPER_DEVICE_TEST("folded BatchNorm equals the unfolded one", "[networks]") {
  Engine engine({.device = device, .arena_mb = 256});
  for (const char* model : {"{name: small_resnet}", "{name: wide_resnet, depth: 10, width: 1}", "{name: resnet20}"}) {
    INFO(model);
    const auto net = network(engine, model, {.data = kTiny});
    const Tensor x = images(engine, 4, kTiny);
    for (int i = 0; i < 3; ++i) net->predict(engine, x, Pass::train());  // moves the running statistics
    const std::vector<double> folded = numbers_of(engine, net->predict(engine, x, Pass::eval()));
    Tape tape(engine, Wrt::params);  // with gradients for the parameters nothing is folded
    const Var plain = (*net)(tape, tape.input(x), Pass::eval());
    CHECK(largest_difference(folded, numbers_of(engine, plain.value)) < 2e-4);
  }
}

TEST_CASE("gradient of a whole residual network", "[networks][grad]") {
  Engine engine({.compute = DType::f64, .arena_mb = 256, .reference_conv = true});
  const DataShape data{.height = 6, .width = 6, .channels = 2, .classes = 3};
  const auto net = network(engine, "{name: small_resnet, widths: [2, 3]}",
                           {.data = data, .mean = {0.4, 0.5}, .std = {0.2, 0.3}, .dtype = DType::f64});
  fill(*net);
  const Tensor x = images(engine, 3, data), labels = test::labels_of(engine, {0, 1, 2});
  ParamBuffer grads(net->params(), DType::f64, engine.stream());
  ParamBuffer& values = net->weights().params;
  for (const Pass& pass : {kBatch, Pass::eval()}) {
    const auto loss = [&](Tape& t, const Var& in) { return cross_entropy(t, (*net)(t, in, pass), labels); };
    const auto value = [&] {
      values.bump_version();
      Tape tape(engine, Wrt::nothing);
      return loss(tape, tape.input(x)).value.as<double>()[0];
    };
    const auto numeric = [&](double& v) {
      const double keep = v, h = 1e-5;
      v = keep + h;
      const double up = value();
      v = keep - h;
      const double down = value();
      v = keep;
      return (up - down) / (2 * h);
    };
    {
      Tape tape(engine, Wrt::params);
      tape.backward(loss(tape, tape.input(x)), grads);
    }
    for (int p = 0; p < net->params().count(); ++p) {
      INFO(net->params()[p].name);
      for (int64_t i = 0; i < net->params()[p].shape.numel(); i += 3) {
        const double want = numeric(values.view(p).as<double>()[i]);
        CHECK(grads.view(p).as<double>()[i] == Approx(want).epsilon(1e-6).margin(1e-6));
      }
    }
    Tape tape(engine, Wrt::input);
    const Var in = tape.input(x);
    tape.backward(loss(tape, in));
    const Tensor dx = tape.grad(in);
    for (int64_t i = 0; i < x.numel(); i += 5)
      CHECK(dx.as<double>()[i] == Approx(numeric(x.as<double>()[i])).epsilon(1e-6).margin(1e-6));
  }
}

TEMPER_DEVICE_TEST("every parameter of every kind of network gets a gradient", "[networks]") {
  const DataShape data{.height = 8, .width = 8, .channels = 3, .classes = 7};
  for (const char* model :
       {"{name: resnet20}", "{name: small_cnn}", "{name: small_resnet}", "{name: wide_resnet, depth: 10, width: 1}",
        "{name: preact_resnet18, final_bn: true}", "{name: resnet20, shortcut: projection}",
        "{name: deepmind_wide_resnet, depth: 10, width: 1}"}) {
    INFO(model);
    Engine engine({.device = device, .arena_mb = 512});
    const auto net = network(engine, model, {.data = data});
    const Tensor x = images(engine, 2, data), labels = test::labels_of(engine, {6, 6});
    ParamBuffer grads(net->params(), DType::f32, engine.stream());
    Tape tape(engine, Wrt::params);
    const Var y = (*net)(tape, tape.input(x), Pass::train());
    CHECK(y.value.shape == Shape{2, 7});
    tape.backward(cross_entropy(tape, y, labels), grads);
    for (int p = 0; p < net->params().count(); ++p) {
      const auto g = grads.read(p);
      INFO(net->params()[p].name);
      CHECK(std::any_of(g.begin(), g.end(), [](double v) { return v != 0; }));
      CHECK(std::all_of(g.begin(), g.end(), [](double v) { return std::isfinite(v); }));
    }
  }
}

TEST_CASE("running statistics move by a network's own momentum, unless the pass says otherwise", "[networks]") {
  Engine engine({.arena_mb = 64});
  const auto moved = [&](const std::string& model, const std::string& mean, Pass pass) {
    const auto net = network(engine, model, {.data = kTiny});
    const Tensor x = images(engine, 2, kTiny);
    net->predict(engine, x, pass);
    return net->weights().buffers.read(net->buffers().find(mean))[0];
  };
  const std::string deepmind = "{name: deepmind_wide_resnet, depth: 10, width: 1}", plain = "{name: small_cnn}";
  const std::string mean = "layer.0.block.0.batchnorm_0.running_mean";
  const double whole = moved(deepmind, mean, {.momentum = 1});
  CHECK(whole != 0);
  CHECK(moved(deepmind, mean, {}) == Approx(0.01 * whole).epsilon(1e-5));
  CHECK(moved(plain, "bn1.running_mean", {}) ==
        Approx(0.1 * moved(plain, "bn1.running_mean", {.momentum = 1})).epsilon(1e-5));
}

TEST_CASE("network errors say what does not fit", "[networks][errors]") {
  Engine engine({.arena_mb = 64});
  CHECK_THROWS_WITH(network(engine, "{name: resnet8}"),
                    ContainsSubstring("unknown name 'resnet8'; did you mean 'resnet18'?"));
  CHECK_THROWS_WITH(network(engine, "{name: wide_resnet, depth: 30}"),
                    ContainsSubstring("test.yaml line 1: model.depth: expected 6n + 4, such as 16, 28 or 34, got 30"));
  CHECK_THROWS_WITH(network(engine, "{name: wide_resnet, width: 0}"),
                    ContainsSubstring("model.width: expected 1 to 1000, got 0"));
  CHECK_THROWS_WITH(network(engine, "{name: small_cnn, widths: [4]}"),
                    ContainsSubstring("expected one stride for each of the 1 widths, got 5"));
  CHECK_THROWS_WITH(network(engine, "{name: small_cnn, widths: [], strides: []}"),
                    ContainsSubstring("at least one width"));
  CHECK_THROWS_WITH(network(engine, "{name: small_resnet, widths: [4, -1]}"),
                    ContainsSubstring("model.widths: expected 1 to 65536, got -1"));
  std::string widths = "65536", strides = "1";
  for (int i = 1; i < 20; ++i) widths += ", 65536", strides += ", 1";
  CHECK_THROWS_WITH(network(engine, "{name: small_cnn, widths: [" + widths + "], strides: [" + strides + "]}"),
                    ContainsSubstring("model: expected a network that fits into the ") &&
                        ContainsSubstring("parameters, which take 2736 GB"));
  CHECK_THROWS_WITH(network(engine, "{name: small_resnet, blocks: 0}"),
                    ContainsSubstring("model.blocks: expected 1 to 1000, got 0"));
  CHECK_THROWS_WITH(network(engine, "{name: small_cnn}", {.mean = {0.5}, .std = {0.5}}),
                    "model: mean has 1 values, but images have 3 channels");
  CHECK_THROWS_WITH(network(engine, "{name: small_cnn}", {.mean = {0.5, 0.5, 0.5}}),
                    "model: give both mean and std, or neither");
  const auto net = network(engine, "{name: small_cnn}");
  CHECK_THROWS_WITH(net->predict(engine, engine.arena().tensor({2, 28, 28, 3}, DType::f32), Pass::eval()),
                    "model: expected images (N, 32, 32, 3), got (2, 28, 28, 3)");
}
