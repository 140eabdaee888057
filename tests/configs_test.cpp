#include <algorithm>
#include <cmath>
#include <filesystem>

#include "source_dir.h"
#include "tests/catch.h"
#include "trainers/state.h"

using namespace temper;

namespace {

// All experiments below configs/: not what they share (base*), nor lists of them (with `runs`).
std::vector<std::filesystem::path> configs() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(TEMPER_SOURCE_DIR) / "configs"))
    if (entry.path().extension() == ".yaml" && entry.path().filename().string().rfind("base", 0) != 0 &&
        !YAML::LoadFile(entry.path().string())["runs"])
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
  std::vector<std::string> set = {"device=cpu", "loop.batch_size=2"};
  const YAML::Node resolved = read_experiment(load_config(file.string())).resolved;
  if (resolved["trainer"]["attack"]) set.push_back("trainer.attack.steps=1");
  if (resolved["trainer"]["warm_up"]) set.push_back("trainer.warm_up.epochs=0");
  // Networks that another run has to train first.
  if (resolved["model"]["weights"].as<std::string>().rfind("runs/", 0) == 0) set.push_back("model.weights=''");
  Experiment e = read_experiment(load_config(file.string(), set));
  TrainingState state(e, made_up_images(shape_of(e.data.name)));
  const Arena::Scope scope(state.engine.arena());
  const Batch batch = state.train.load(1, 0);
  TrainContext context = state.context();
  const double loss = e.trainer.method->gradients(context, batch, state.gradients());
  CHECK(std::isfinite(loss));
  CHECK(loss > 0);
  for (Trained& t : state.trained) t.optimizer.step(state.engine.stream(), t.gradient, 0.1);
}

}  // namespace

TEST_CASE("configs: every one parses and reads back as itself") {
  CHECK(configs().size() >= 27);
  for (const auto& file : configs()) {
    INFO(file.string());
    const std::string text = YAML::Dump(read_experiment(load_config(file.string())).resolved);
    CHECK(YAML::Dump(read_experiment(parse_config(text)).resolved) == text);
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
