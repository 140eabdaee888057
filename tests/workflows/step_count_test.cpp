#include "workflows/step_count.h"

#include <map>

#include "tests/fixtures/catch.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

namespace {

constexpr DataSize kStripes{.train = 60, .test = 20, .height = 8, .width = 8, .channels = 3, .classes = 3};

/// The passes of a step in which the attack takes K steps: forward, backward to the images, backward to the weights.
struct Ideal {
  double forward, to_images, to_weights;
};
constexpr double K = 2, kJudge = 2 * 11;

// What each method's formulas ask for. A prediction for clean images that stays the same during the attack is one pass;
// a backward pass through two forward passes counts as two.
const std::map<std::string, Ideal> kIdeal = {
    {"standard", {1, 0, 1}},
    {"pgd_at", {K + 1, K, 1}},
    {"trades", {1 + K + 2, K, 2}},
    {"mart", {K + 2, K, 2}},
    {"fat", {K + 1, K, 1}},
    {"arat", {K + 2, K, 2}},
    // Clean and adversarial images through the network and the revision model; the gradients of clean and adversarial
    // images apart from the rest's, which has both.
    {"cure", {1 + K + 2 + 2, K, 1 + 1 + 2}},
    // Clean images once, both points in every step; the gradient at whichever of the three is an extreme point.
    {"st_at", {1 + 2 * K + 3, 3 * K, 3}},
    {"act", {1 + K + 1, K, 2}},
    // With a teacher: the student on adversarial images, the teacher on clean ones. IAD begins as ARD does, IAD-II with
    // both teachers on adversarial images.
    {"ard", {K + 2, K, 1}},
    {"iad_i", {K + 2, K, 1}},
    {"iad_ii", {K + 3, K, 1}},
    {"kd_swa", {K + 3, K, 1}},
    {"lbgat", {1 + K + 2, K, 2}},  // without its KL term, as by default
    {"hat", {1 + K + 3 + 1, K, 3}},
    // A policy, an attack and a loss; in every second step of these runs the policy learns: itself, an attack, the loss
    // before and in a trial step, and two runs of ten steps, each with a last look, that judge the trial, whose
    // accuracy is then measured on what they found and on clean images.
    {"las_at", {1 + K + 1 + (1 + K + 1 + 1 + kJudge + 2) / 2, K + (K + 20) / 2, 1 + (1 + 1) / 2.0}},
    {"las_trades", {1 + 1 + K + 2 + (1 + 1 + K + 2 + 2 + kJudge + 2) / 2, K + (K + 20) / 2, 2 + (1 + 2) / 2.0}},
    {"fgsm_rs", {2, 1, 1}},
    {"n_fgsm", {2, 1, 1}},
    // One backward pass for both: of the gradient of the images only the first layer's part is more.
    {"free_at", {1, 0.6, 1}},
    {"grad_align", {1 + 1 + 2 + 6, 1 + 2, 1 + 4}}};

}  // namespace

TEST_CASE("step count: every method takes the passes that its formulas ask for", "[cost]") {
  for (const auto& [trainer, set] : test::every_method()) {
    INFO(trainer);
    Experiment e = test::tiny(trainer, set);
    REQUIRE(kIdeal.count(e.trainer.name) == 1);
    const Ideal& ideal = kIdeal.at(e.trainer.name);
    StepCounter counter(e, kStripes);
    const PassCount got = count_passes(counter.step(1), counter.passes());
    CHECK(got.forward == Approx(ideal.forward));
    CHECK(got.to_images == Approx(ideal.to_images).margin(1e-9));
    CHECK(got.to_weights == Approx(ideal.to_weights));
  }
}

TEST_CASE("step count: an evaluation is the attack's passes and a classification", "[cost]") {
  Experiment e = test::tiny();
  StepCounter counter(e, kStripes);
  const PassCount clean = count_passes(counter.evaluation(nullptr), counter.passes());
  CHECK(clean.forward == Approx(1));
  CHECK(clean.to_images == 0);
  const PassCount attacked = count_passes(counter.evaluation(e.evaluation.validation.attack.get()), counter.passes());
  CHECK(attacked.forward == Approx(3));
  CHECK(attacked.to_images == Approx(2));
}
