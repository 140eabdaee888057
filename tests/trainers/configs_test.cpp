#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/convolution/conv.h"
#include "source_dir.h"
#include "tests/fixtures/catch.h"
#include "trainers/state/state.h"

using namespace temper;

namespace {

// All experiments below configs/: not what they share (base*), nor lists of them (with `runs`) or analyses.
std::vector<std::filesystem::path> configs() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(TEMPER_SOURCE_DIR) / "configs"))
    if (entry.path().extension() == ".yaml" && entry.path().filename().string().rfind("base", 0) != 0 &&
        !load_config(entry.path().string()).root.find("runs") &&
        !load_config(entry.path().string()).root.find("analysis"))
      found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

bool is_small(const std::filesystem::path& file) {
  const std::string folder = file.parent_path().filename().string();
  return folder == "quickstart" || folder == "tiny" || folder == "models";
}

DataShape shape_of(const std::string& data) {
  if (data == "cifar100") return {.classes = 100};
  if (data == "folder") return {128, 128, 3, 10};
  return data == "cifar10" || data == "svhn" ? DataShape{} : DataShape{28, 28, 1, 10};
}

// Two made-up images of the right shape in place of the data set, so that nothing needs to be fetched.
DataSplits made_up_images(const DataShape& shape) {
  ImageSet set{.height = shape.height, .width = shape.width, .channels = shape.channels, .classes = shape.classes};
  for (int i = 0; i < 2; ++i) {
    set.labels.push_back(i);
    for (int64_t e = 0; e < set.image_bytes(); ++e) set.pixels.push_back(static_cast<uint8_t>(e * (i + 3) % 251));
  }
  return {
      set, {.height = shape.height, .width = shape.width, .channels = shape.channels, .classes = shape.classes}, shape};
}

void take_one_step(const std::filesystem::path& file) {
  INFO(file.string());
  std::vector<std::string> set = {"device=cpu", "loop.batch_size=2", "loop.probe.every=0"};
  if (!make_cpu_conv()->supports(DType::bf16)) set.push_back("precision.compute=f32");
  const ConfigNode resolved = read_experiment(load_config(file.string())).resolved;
  if (resolved["trainer"].find("attack") && resolved["trainer"]["attack"].find("steps"))
    set.push_back("trainer.attack.steps=1");
  if (resolved["trainer"].find("strategy")) set.push_back("trainer.strategy.steps=[]");
  if (resolved["trainer"].find("warm_up")) set.push_back("trainer.warm_up.epochs=0");
  // Networks that another run has to train first.
  if (resolved["model"]["weights"].text().starts_with("runs/")) set.push_back("model.weights=''");
  for (const auto& [key, value] : resolved["trainer"].entries())
    if (value["weights"].text().starts_with("runs/")) set.push_back("trainer." + key + ".weights=untrained");
  Experiment e = read_experiment(load_config(file.string(), set));
  TrainingState state(e, made_up_images(shape_of(e.data.name)));
  const Arena::Scope scope(state.engine.arena());
  const Batch batch = state.train.load(1, 0);
  TrainContext context = state.context();
  const double loss = e.trainer.method->gradients(context, batch, state.gradients());
  CHECK(std::isfinite(loss));
  CHECK(loss > 0);
  for (Trained& t : state.trained) {
    t.optimizer.prepare(0.1);
    t.optimizer.step(state.engine.stream(), t.gradient);
  }
}

}  // namespace

TEST_CASE("configs: every one parses and reads back as itself") {
  CHECK(configs().size() >= 27);
  for (const auto& file : configs()) {
    INFO(file.string());
    const std::string text = read_experiment(load_config(file.string())).resolved.yaml();
    CHECK(read_experiment(parse_config(text)).resolved.yaml() == text);
  }
}

TEST_CASE("configs: those for small machines take a step") {
  for (const auto& file : configs())
    if (is_small(file)) take_one_step(file);
}

TEST_CASE("configs: those for GPUs take a step", "[slow]") {
  for (const auto& file : configs())
    if (!is_small(file)) take_one_step(file);
}

TEST_CASE("configs: AR-AT's runs on CIFAR have the rates of its code, epoch by epoch") {
  const std::string folder = TEMPER_SOURCE_DIR "/configs/";
  for (const char* file :
       {"cifar10/arat_resnet18", "cifar10/arat_resnet18_swa", "cifar10/arat_wide_resnet34_10", "cifar100/arat_resnet18",
        "cifar100/arat_wide_resnet34_10_swa", "imagenette/arat_resnet18"}) {
    INFO(file);
    const Experiment e = read_experiment(load_config(folder + file + ".yaml"));
    CHECK(e.loop.epochs == 100);
    CHECK(e.model.branches == std::vector<std::string>{"adv", "clean"});
    for (int64_t epoch = 1; epoch <= 100; ++epoch)
      CHECK(e.schedule.schedule->rate(e.optimizer.rule->lr, {.epoch = epoch, .steps_per_epoch = 391, .epochs = 100}) ==
            (epoch == 1    ? 0.02
             : epoch <= 76 ? 0.1
             : epoch <= 91 ? 0.01
                           : 0.001));
    const bool averaged = std::string(file).ends_with("_swa");
    CHECK(e.swa.start == (averaged ? 76 : 0));
    CHECK(e.swa.every == (averaged ? 500 : 0));
    CHECK((e.swa.count == SwaOptions::Count::done && e.swa.bn == AverageBn::estimate));
    const auto lambda = static_cast<float>(parse_number(e.resolved["trainer"]["invariance"]["lambda"].text()));
    CHECK(lambda == (e.model.name == "resnet18" ? 30.f : 100.f));
  }
}

TEST_CASE("configs: averaged weights of AR-AT have as many samples as told, and as its code takes") {
  const auto samples = [](const std::string& file) {
    const Experiment e = read_experiment(load_config(TEMPER_SOURCE_DIR "/configs/cifar10/" + file + ".yaml"));
    std::vector<int64_t> at;
    for (int64_t epoch = 1; epoch <= e.loop.epochs; ++epoch)
      for (int64_t done = 1; done <= 391; ++done)
        if (e.swa.due(epoch, done, 391)) at.push_back((epoch - 1) * 391 + done);
    return at;
  };
  const std::vector<int64_t> ours = samples("arat_resnet18_swa"), code = samples("arat_resnet18_swa_code");
  CHECK(ours.size() == 20);
  CHECK(ours.front() == 29500);
  CHECK(code.size() == 19);
  CHECK(code.front() == 30000 - 391 + 1);
  CHECK(code.back() == 39000 - 391 + 1);
  const Experiment e = read_experiment(load_config(TEMPER_SOURCE_DIR "/configs/cifar10/arat_resnet18_swa_code.yaml"));
  CHECK(e.swa.bn == AverageBn::estimate_all);
  CHECK(e.data.validation == 0);
  CHECK(e.resolved["trainer"]["noise_alias"].text() == "true");
}

TEST_CASE("configs: CURE_Eff trains 79 natural epochs, and aliases the revision model where it follows the code") {
  for (const std::string file : {"cure_eff_resnet18", "cure_eff_resnet18_code"}) {
    const Experiment e = read_experiment(load_config(TEMPER_SOURCE_DIR "/configs/cifar10/" + file + ".yaml"));
    const ConfigNode trainer = e.resolved["trainer"];
    CHECK(trainer["warm_up"]["epochs"].text() == "79");
    CHECK(trainer["revision"]["kind"].text() == (file.ends_with("_code") ? "alias" : "average"));
    const auto rate = [&](int64_t epoch) {
      return e.schedule.schedule->rate(e.optimizer.rule->lr, {.epoch = epoch, .steps_per_epoch = 391, .epochs = 200});
    };
    CHECK(rate(99) == 0.1);
    CHECK(rate(100) == Approx(0.01));
    CHECK(rate(149) == Approx(0.01));
    CHECK(rate(150) == Approx(0.001));
  }
}
