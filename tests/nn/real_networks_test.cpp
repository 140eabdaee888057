// Published networks on the whole of their test sets: what was measured elsewhere must come out here.
#include "attacks/pgd.h"
#include "core/ops/loss.h"
#include "data/loader.h"
#include "nn/weights.h"
#include "source_dir.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/real_data.h"

using namespace temper;

namespace {

/// Data set and network of one file in configs/models, with published weights.
struct Published {
  Engine engine;
  std::unique_ptr<Network> network;
  std::unique_ptr<Loader> loader;

  Published(Device device, const std::string& model, const std::string& weights, const ImageSet& set)
      : engine({.device = device, .arena_mb = device == Device::cuda ? 4096 : 0}) {
    Config config = load_config(cat(TEMPER_SOURCE_DIR "/configs/models/", model, ".yaml"));
    config.root.erase("data");
    Fields f(config);
    Network::Options options{
        .data = {.height = set.height, .width = set.width, .channels = set.channels, .classes = set.classes}};
    std::string name;
    const auto architecture = Registry<Architecture>::instance().read(f, "model", name, [&](Fields& more) {
      more("mean", options.mean, Limits::any(), "");
      more("std", options.std, Limits::any(), "");
    });
    f.finish();
    network = std::make_unique<Network>(engine, *architecture, options);
    load_weights(*network, weights);
    loader = std::make_unique<Loader>(engine, set, LoaderOptions{.batch_size = 500});
  }

  /// Percent right, after an attack if one is given.
  double accuracy(const Attack* attack = nullptr) {
    int64_t correct = 0;
    for (int64_t i = 0; i < loader->batches(); ++i) {
      const Arena::Scope scope(engine.arena());
      const Batch batch = loader->load(0, i);
      const Classifier classifier(*network, Pass::eval());
      const Tensor x =
          attack ? attack->run({engine, batch, classifier, RngStream(engine.seed())}).images : batch.images;
      correct += count_correct(engine, network->predict(engine, x, Pass::eval()), batch.labels);
    }
    return 100.0 * static_cast<double>(correct) / static_cast<double>(loader->size());
  }
  double pgd20(double radius) {
    const Pgd attack({.radius = radius, .step = radius / 4, .steps = 20});
    return accuracy(&attack);
  }
};

ImageSet test_images(const std::string& name, const std::string& folder) {
  const Config config = parse_config(cat("data: {name: ", name, ", path: '", folder, "'}"));
  Fields f(config);
  std::string which;
  return Registry<DatasetReader>::instance().read(f, "data", which)->test();
}

constexpr double kOneImage = 0.01 + 1e-9;  // percent, of 10,000

}  // namespace

TEMPER_DEVICE_TEST("published CIFAR-10 networks reach their clean and PGD-20 accuracy", "[slow][real]") {
  const std::string folder = test::real_cifar10(), models = test::real_data("models");
  if (folder.empty() || models.empty())
    TEMPER_SKIP("no CIFAR-10 files or published networks beside the source tree or in TEMPER_TEST_DATA");
  const ImageSet images = test_images("cifar10", folder);

  CHECK(Published(device, "resnet20_cifar10", models + "/pytorch_resnet_cifar10/resnet20-12fca82f.npz", images)
            .accuracy() == Approx(91.73).margin(kOneImage));
  CHECK(Published(device, "cnn_a_cifar10", models + "/vnn_cifar/cifar_cnn_a_adv.npz", images).accuracy() ==
        Approx(65.63).margin(kOneImage));

  // Measured by another library's PGD, from other random starts.
  const double pgd = device == Device::cpu ? 0.15 : 0.5;
  Published two(device, "resnet2b_cifar10", models + "/vnn_cifar/resnet2b.npz", images);
  CHECK(two.accuracy() == Approx(69.25).margin(kOneImage));
  CHECK(two.pgd20(1.0 / 255) == Approx(63.13).margin(pgd));
  CHECK(two.pgd20(2.0 / 255) == Approx(56.66).margin(pgd));

  Published four(device, "resnet4b_cifar10", models + "/vnn_cifar/resnet4b.npz", images);
  CHECK(four.accuracy() == Approx(77.20).margin(kOneImage));
  CHECK(four.pgd20(1.0 / 255) == Approx(70.36).margin(pgd));
  CHECK(four.pgd20(2.0 / 255) == Approx(62.87).margin(pgd));
}

TEMPER_DEVICE_TEST("published MNIST networks reach their clean accuracy", "[slow][real]") {
  const std::string folder = test::real_data("mnist"), models = test::real_data("models/advertorch_mnist");
  if (folder.empty() || models.empty())
    TEMPER_SKIP("no MNIST files or published networks beside the source tree or in TEMPER_TEST_DATA");
  const ImageSet images = test_images("mnist", folder);
  CHECK(Published(device, "lenet5_mnist", models + "/mnist_lenet5_advtrained.npz", images).accuracy() ==
        Approx(98.64).margin(kOneImage));
  CHECK(Published(device, "lenet5_mnist", models + "/mnist_lenet5_clntrained.npz", images).accuracy() ==
        Approx(98.89).margin(kOneImage));
}
