// Ten steps of the single-step methods against tests/golden/golden_single_step.py, an independent implementation in
// PyTorch, which differentiates GradAlign's term by automatic differentiation.
#include "tests/fixtures/golden_method_fixture.h"

using namespace temper;
using test::Closeness;
using test::GoldenSetting;

namespace {

const GoldenSetting kSingleStep[] = {
    {"fgsm_rs", "{name: fgsm_rs}"},
    {"fgsm_rs_unclipped", "{name: fgsm_rs, attack: {start: unclipped}, label_smoothing: 0.25}"},
    {"fgsm_rs_eval", "{name: fgsm_rs, attack_bn: eval, attack: {radius: 8/255}}"},
    {"fgsm_rs_no_update", "{name: fgsm_rs, attack_bn: train_no_update}"},
    {"n_fgsm", "{name: n_fgsm}"},
    {"n_fgsm_unclipped", "{name: n_fgsm, attack: {start: unclipped, radius: 12/255, noise: 3}}"},
    {"free_at", "{name: free_at}"},
    {"free_at_perturbation", "{name: free_at, clip: perturbation, step: 3/255}"}};

const GoldenSetting kGradAlign[] = {
    {"grad_align", "{name: grad_align, weight: 0.5}"},
    {"grad_align_noisy", "{name: grad_align, weight: 0.5, through: noisy}"},
    {"grad_align_eval", "{name: grad_align, weight: 0.5, attack_bn: eval, attack: {radius: 8/255}}"},
    {"grad_align_rs", "{name: grad_align, weight: 2, attack_bn: train_no_update, attack: {step: 10/255, noise: 1}}"}};

}  // namespace

TEST_CASE("single-step methods follow the PyTorch script in f64", "[golden]") {
  test::check_golden("golden_single_step", kSingleStep, DType::f64, Device::cpu, Closeness(1e-9));
}

// A difference quotient in place of a second automatic differentiation.
TEST_CASE("grad_align follows the PyTorch script in f64, as far as a difference quotient can", "[golden]") {
  test::check_golden("golden_single_step", kGradAlign, DType::f64, Device::cpu, Closeness(1e-7));
}

TEMPER_DEVICE_TEST("single-step methods follow the PyTorch script in f32", "[trainers][golden]") {
  test::check_golden("golden_single_step", kSingleStep, DType::f32, device, Closeness::f32(device));
}

TEMPER_DEVICE_TEST("grad_align follows the PyTorch script in f32", "[trainers][golden]") {
  test::check_golden("golden_single_step", kGradAlign, DType::f32, device, Closeness::f32(device));
}
