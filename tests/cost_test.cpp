// What a step of a method costs beside the passes it is made of. Not among the ordinary tests: timings need a quiet
// machine. Run with: temper_tests "[cost]"
#include <algorithm>
#include <chrono>
#include <iostream>

#include "tests/catch.h"
#include "trainers/state.h"

using namespace temper;

namespace {

constexpr const char* kAttack = ", attack_bn: train, attack: {radius: 8/255, step: 2/255, steps: 10}";

DataSplits random_images(int64_t count) {
  ImageSet set{.height = 32, .width = 32, .channels = 3, .classes = 10};
  const RngKey key{.purpose = Purpose::method};
  for (int64_t i = 0; i < count; ++i) {
    set.labels.push_back(static_cast<int32_t>(i % 10));
    for (int64_t e = 0; e < set.image_bytes(); ++e)
      set.pixels.push_back(
          static_cast<uint8_t>(255 * random_uniform(key, static_cast<uint32_t>(i), static_cast<uint32_t>(e))));
  }
  ImageSet none{.height = 32, .width = 32, .channels = 3, .classes = 10};
  return {std::move(set), std::move(none), {}};
}

/// A method at work on one batch.
struct Method {
  Experiment experiment;
  TrainingState state;

  Method(const std::string& model, int64_t batch, const std::string& trainer)
      : experiment(read_experiment(
            parse_config(cat("device: cpu\ndata: {validation: 0}\nmodel: {name: ", model,
                             ", branches: [adv, clean]}\ntrainer: ", trainer, "\nloop: {batch_size: ", batch, "}\n")))),
        state(experiment, random_images(batch)) {}

  double seconds() {
    const auto start = std::chrono::steady_clock::now();
    const Arena::Scope scope(state.engine.arena());
    const Batch batch = state.train.load(1, 0);
    TrainContext context = state.context();
    experiment.trainer.method->gradients(context, batch, state.gradients());
    for (Trained& t : state.trained) t.optimizer.step(state.engine.stream(), t.gradient, 0.01);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
};

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

/// PGD-AT is the attack and one training pass, standard training one such pass, AR-AT the attack and two passes.
void compare(const std::string& model, int64_t batch, int rounds) {
  Method standard(model, batch, "{name: standard}"), pgd_at(model, batch, cat("{name: pgd_at", kAttack, "}")),
      arat(model, batch, cat("{name: arat, balance: {rule: fixed}", kAttack, "}"));
  std::vector<double> pass, pgd, whole, to_pgd, to_ideal;
  for (int round = -1; round < rounds; ++round) {
    const double s = standard.seconds(), p = pgd_at.seconds(), a = arat.seconds();
    if (round < 0) continue;  // warming up
    pass.push_back(s), pgd.push_back(p), whole.push_back(a);
    to_pgd.push_back(a / p), to_ideal.push_back(a / (p + s));
  }
  std::cout << model << ", batch " << batch << ", median of " << rounds << ": training pass " << median(pass)
            << " s, pgd_at " << median(pgd) << " s, arat " << median(whole) << " s; arat / pgd_at " << median(to_pgd)
            << ", arat / (pgd_at + pass) " << median(to_ideal) << std::endl;
  CHECK(median(to_ideal) < 1.1);
}

}  // namespace

TEST_CASE("arat costs a training pass more than pgd_at, within 10 %", "[.][cost]") {
  compare("small_cnn", 64, 9);
  compare("resnet18", 32, 5);
}
