#include "core/files/file.h"
#include "nn/weights.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/temporary_folder.h"
#include "tests/fixtures/tensors.h"

using namespace temper;
using test::network;

namespace {

std::unique_ptr<Network> sequential(Engine& engine, const std::string& layers, Network::Options options = {}) {
  return network(engine, "\n  name: sequential\n  layers:\n" + layers, std::move(options));
}

const char* kNet = R"(
  - {type: conv, name: features.0, out: 4, size: 5, stride: 2, pad: 2}
  - {type: batch_norm}
  - {type: relu}
  - {type: max_pool}
  - {type: residual, name: block, out: 6, stride: 2, norm: none}
  - {type: residual, out: 8, shortcut: pad}
  - {type: avg_pool, size: 2, stride: 1}
  - {type: flatten}
  - {type: linear, out: 5}
  - {type: relu}
  - {type: linear, name: head, out: 10}
)";

}  // namespace

TEMPER_DEVICE_TEST("sequential builds the listed layers", "[networks]") {
  Engine engine({.device = device, .arena_mb = 64});
  const auto net = sequential(engine, kNet);
  std::vector<std::string> names;
  for (const Param& p : net->params().all()) names.push_back(cat(p.name, " ", p.shape));
  CHECK(names == std::vector<std::string>{"features.0.weight (4, 5, 5, 3)",
                                          "features.0.bias (4)",
                                          "1.weight (4)",
                                          "1.bias (4)",
                                          "block.conv1.weight (6, 3, 3, 4)",
                                          "block.conv1.bias (6)",
                                          "block.conv2.weight (6, 3, 3, 6)",
                                          "block.conv2.bias (6)",
                                          "block.shortcut.0.weight (6, 1, 1, 4)",
                                          "block.shortcut.0.bias (6)",
                                          "5.conv1.weight (8, 3, 3, 6)",
                                          "5.bn1.weight (8)",
                                          "5.bn1.bias (8)",
                                          "5.conv2.weight (8, 3, 3, 8)",
                                          "5.bn2.weight (8)",
                                          "5.bn2.bias (8)",
                                          "8.weight (5, 72)",
                                          "8.bias (5)",
                                          "head.weight (10, 5)",
                                          "head.bias (10)"});
  const Tensor x = test::tensor_of(engine, {2, 32, 32, 3}, std::vector<double>(2 * 32 * 32 * 3, 0.5));
  Taps taps({"features.0", "1", "2", "3", "block", "7"});
  Pass pass = Pass::eval();
  pass.taps = &taps;
  Tape tape(engine, Wrt::nothing);
  CHECK((*net)(tape, tape.input(x), pass).value.shape == Shape{2, 10});
  CHECK(taps.at("3").value.shape == Shape{2, 8, 8, 4});
  CHECK(taps.at("block").value.shape == Shape{2, 4, 4, 6});
  CHECK(taps.at("7").value.shape == Shape{2, 72});
  std::vector<float> before = test::values_of<float>(engine, taps.at("1").value);
  for (float& v : before) v = std::max(0.f, v);
  CHECK(test::values_of<float>(engine, taps.at("2").value) == before);
}

TEST_CASE("errors in sequential name the layer and its line", "[networks][errors]") {
  Engine engine({.arena_mb = 64});
  const auto text = [&](const std::string& layers) {
    try {
      sequential(engine, layers);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  CHECK(text("  - {type: conv, out: 4}\n  - {type: linear, name: fc, out: 10}") ==
        "test.yaml line 5: model.layers.1: linear 'fc': expected features, got images (30, 30, 4); put flatten or "
        "global_avg_pool before it");
  CHECK_THAT(text("  - {type: flatten}\n  - {type: conv, out: 4}"),
             ContainsSubstring("test.yaml line 5: model.layers.1: conv '1': expected images (H, W, C), got (3072)"));
  CHECK_THAT(text("  - {type: conv, out: 4, size: 40}"),
             ContainsSubstring("a window of 40 with stride 1 and pad 0 does not fit"));
  CHECK_THAT(text("  - {type: max_pool, pad: 2}"), ContainsSubstring("pad 2 is more than half of size 2"));
  CHECK_THAT(text("  - {type: residual, out: 2, shortcut: pad}"), ContainsSubstring("cannot shrink 3 channels to 2"));
  CHECK(text("  - {type: flatten}\n  - {type: linear, out: 100}") ==
        "test.yaml line 5: model.layers.1: the last layer gives (100), but the data has 10 classes; end with a linear "
        "layer with out: 10");
  CHECK_THAT(text("  - {type: conv}"),
             ContainsSubstring("test.yaml line 4: model.layers.0.out: expected a value, which a conv layer"));
  CHECK_THAT(text("  - {type: conv, out: 0}"), ContainsSubstring("model.layers.0.out: expected 1 to 16777216, got 0"));
  CHECK_THAT(text("  - {out: 3}"),
             ContainsSubstring("model.layers.0.type: expected which layer it is (known: avg_pool"));
  CHECK_THAT(text("  - {type: conv, out: 4, kernel: 3}"),
             ContainsSubstring("unknown key 'kernel' (known: type, name, out, size, stride, pad, bias)"));
  CHECK_THAT(text("  - {type: conv, out: 4, sise: 3}"),
             ContainsSubstring("test.yaml line 4: model.layers.0: unknown key 'sise'; did you mean 'size'?"));
  CHECK_THAT(text("  - {type: relu}\n  - {type: convv}"),
             ContainsSubstring("test.yaml line 5: model.layers.1.type: unknown layer 'convv'; did you mean 'conv'?"));
  CHECK_THAT(text("  - relu"), ContainsSubstring("test.yaml line 3: model.layers: expected item 0 to be a section"));
  CHECK_THAT(text("    7"), ContainsSubstring("model.layers: expected a list of sections, got '7'"));
  CHECK_THAT(text("  - {type: relu, name: a}\n  - {type: linear, name: a, out: 3}"),
             ContainsSubstring("model.layers.1"));
}

TEST_CASE("lists of sections appear in the resolved configuration", "[config]") {
  const Config config = parse_config("model:\n  name: sequential\n  layers:\n  - {type: conv, out: 4}\n", "test.yaml");
  Fields f(config);
  std::string name;
  Registry<Architecture>::instance().read(f, "model", name);
  const ConfigNode layer = f.resolved()["model"]["layers"].items()[0];
  CHECK(layer["type"].text() == "conv");
  CHECK(layer["size"].text() == "3");
  const Config again{.root = f.resolved()};
  Fields g(again);
  Registry<Architecture>::instance().read(g, "model", name);
  CHECK(g.resolved().yaml() == f.resolved().yaml());
}

TEMPER_DEVICE_TEST("weights survive a round trip bit for bit", "[networks][files]") {
  Engine engine({.device = device, .arena_mb = 64});
  const test::TemporaryFolder folder;
  for (const char* ending : {"w.safetensors", "w.npz"}) {
    const auto net = sequential(engine, kNet, {.seed = 3}), other = sequential(engine, kNet, {.seed = 4});
    save_weights(*net, folder.file(ending));
    CHECK(export_weights(*net) != export_weights(*other));
    load_weights(*other, folder.file(ending));
    CHECK(export_weights(*net) == export_weights(*other));
    for (int i = 0; i < net->params().count(); ++i)
      CHECK(net->weights().params.read(i) == other->weights().params.read(i));
  }
}

TEMPER_DEVICE_TEST("weights come in PyTorch's layout and with PyTorch's habits", "[networks][files]") {
  Engine engine({.device = device, .arena_mb = 16});
  const char* layers =
      "  - {type: conv, name: c, out: 2, size: 2, bias: false}\n  - {type: batch_norm, name: b}\n"
      "  - {type: flatten}\n  - {type: linear, name: l, out: 2}";
  const Network::Options options{.data = {.height = 2, .width = 3, .channels = 3, .classes = 2}};
  const auto net = sequential(engine, layers, options);
  std::vector<NamedArray> arrays = export_weights(*net);
  REQUIRE(arrays[0].name == "c.weight");
  CHECK(arrays[0].shape == std::vector<int64_t>{2, 3, 2, 2});
  const int w = net->params().find("c.weight");
  const float* oihw = reinterpret_cast<const float*>(arrays[0].bytes.data());
  const std::vector<double> krsc = net->weights().params.read(w);
  CHECK(oihw[((1 * 3 + 2) * 2 + 0) * 2 + 1] == krsc[((1 * 2 + 0) * 2 + 1) * 3 + 2]);

  for (NamedArray& a : arrays) a.name = "module." + a.name;
  arrays.push_back({"module.b.num_batches_tracked", DType::i64, {}, std::vector<char>(8)});
  import_weights(*net, arrays, "file");
  CHECK(net->weights().params.read(w) == krsc);
}

TEST_CASE("weights of another network are refused with every difference", "[networks][errors]") {
  Engine engine({.arena_mb = 16});
  const Network::Options options{.data = {.height = 2, .width = 2, .channels = 1, .classes = 2}};
  const auto net = sequential(
      engine, "  - {type: flatten}\n  - {type: linear, name: fc1, out: 3}\n  - {type: linear, name: fc2, out: 2}",
      options);
  std::vector<NamedArray> arrays = export_weights(*net);
  arrays[0].name = "fc_1.weight";
  arrays[2].shape = {3, 2};
  CHECK_THROWS_WITH(import_weights(*net, arrays, "w.npz"),
                    "w.npz: these weights are of another network\n"
                    "  missing:\n    fc1.weight; did you mean 'fc_1.weight'?\n"
                    "  unexpected:\n    fc_1.weight (3, 4); did you mean 'fc1.weight'?\n"
                    "  of another shape:\n    fc2.weight is (3, 2), the network has (2, 3)");
  arrays = export_weights(*net);
  arrays[1].dtype = DType::i32;
  CHECK_THROWS_WITH(import_weights(*net, arrays, "w.npz"),
                    "w.npz: array 'fc1.bias' is i32; expected a floating point type");
  CHECK_THROWS_WITH(load_weights(*net, "model.pt"),
                    "model.pt: expected a .safetensors or .npz file; make one from PyTorch's .pt, .pth, .ckpt or .bin "
                    "with scripts/convert_pytorch_weights FILE weights.safetensors");
}

TEST_CASE("what a file of weights has beside them is passed over and noted", "[networks][files]") {
  Engine engine({.arena_mb = 16});
  const Network::Options options{.data = {.height = 2, .width = 2, .channels = 1, .classes = 2}};
  const auto net =
      sequential(engine, "  - {type: flatten}\n  - {type: linear, name: fc, out: 2, bias: false}", options);
  CHECK(net->params().count() == 1);  // no bias
  std::vector<NamedArray> arrays = export_weights(*net);
  arrays[0].name = "module.fc.weight";
  arrays.push_back({"module.n_averaged", DType::i64, {}, std::vector<char>(8)});
  NamedArray mu{"mu", DType::f32, {1}, std::vector<char>(4)};
  const float value = 0.25f;
  std::memcpy(mu.bytes.data(), &value, sizeof value);
  arrays.push_back(mu);
  import_weights(*net, arrays, "w.npz");
  CHECK(net->notes() ==
        std::vector<std::string>{"w.npz: ignored module.n_averaged, mu = (0.25), which the network does not have; "
                                 "the network normalises with model.mean and model.std"});
}
