#include <algorithm>
#include <cmath>
#include <filesystem>

#include "source_dir.h"
#include "tests/catch.h"
#include "trainers/state.h"

using namespace temper;

namespace {

std::vector<std::filesystem::path> configs() {
  std::vector<std::filesystem::path> found;
  for (const char* folder : {"quickstart", "cifar10", "models"})
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(TEMPER_SOURCE_DIR) / "configs" / folder))
      if (entry.path().filename().string().rfind("base", 0) != 0) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
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
  if (file.filename().string().rfind("standard", 0) != 0) set.push_back("trainer.attack.steps=1");
  Experiment e = read_experiment(load_config(file.string(), set));
  TrainingState state(e, made_up_images(e.data.name == "cifar10" ? DataShape{} : DataShape{28, 28, 1, 10}));
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
  CHECK(configs().size() >= 18);
  for (const auto& file : configs()) {
    INFO(file.string());
    const std::string text = YAML::Dump(read_experiment(load_config(file.string())).resolved);
    CHECK(YAML::Dump(read_experiment(parse_config(text)).resolved) == text);
  }
}

TEST_CASE("configs: those for small machines take a step") {
  for (const auto& file : configs())
    if (file.parent_path().filename() != "cifar10") take_one_step(file);
}

TEST_CASE("configs: those for CIFAR-10 take a step", "[slow]") {
  for (const auto& file : configs())
    if (file.parent_path().filename() == "cifar10") take_one_step(file);
}
