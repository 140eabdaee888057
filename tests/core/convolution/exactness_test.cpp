// What docs/exactness.md promises of `exact`, and of the optimisations that it calls exact.
#include "core/ops/conv.h"
#include "core/ops/elementwise.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/gradcheck.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

namespace {

EngineOptions options(Device device, const Optimisations& without = that_round()) {
  return {.device = device, .threads = 1, .arena_mb = 64, .without = without};
}

Tensor filled(Engine& engine, const Shape& shape, int phase) {
  return test::tensor_of(engine, shape, test::wave(shape.numel(), phase));
}

}  // namespace

TEST_CASE("an exact convolution with its epilogue has the bits of its parts", "[exact]") {
  Engine engine(options(Device::cpu));
  Tape tape(engine, Wrt::nothing);
  const Var x{filled(engine, {3, 9, 7, 16}, 1)}, w{filled(engine, {32, 3, 3, 16}, 2)}, bias{filled(engine, {32}, 3)},
      residual{filled(engine, {3, 9, 7, 32}, 4)};
  const ConvOptions same{.pad = 1};
  const Var fused = conv2d_act(tape, x, w, bias, same, residual, Activation::relu);
  const Var parts = relu(tape, add(tape, conv2d(tape, x, w, bias, same), residual));
  CHECK(test::values_of<float>(engine, fused.value) == test::values_of<float>(engine, parts.value));
}

TEMPER_DEVICE_TEST("an exact engine has the bits of an attack that folds nothing", "[networks][exact]") {
  const auto logits = [&](const Optimisations& without, Wrt wrt) {
    Engine engine(options(device, without));
    const auto network = test::network(engine, "{name: test_net}", {.data = {8, 8, 1, 3}, .seed = 3});
    Tape tape(engine, wrt);  // where parameters are differentiated, nothing is folded
    return test::values_of<float>(engine,
                                  (*network)(tape, tape.input(filled(engine, {4, 8, 8, 1}, 5)), Pass::eval()).value);
  };
  const std::vector<float> folded = logits({}, Wrt::input), exact = logits(that_round(), Wrt::input);
  CHECK(exact == logits(that_round(), Wrt::params));
  CHECK(exact != folded);
  for (size_t i = 0; i < exact.size(); ++i) CHECK(exact[i] == Approx(folded[i]).margin(1e-5));
}

TEST_CASE("exact refuses what only approximates", "[exact][errors]") {
  for (const std::string lower : {"tf32", "bf16"})
    CHECK_THROWS_WITH(test::tiny(test::kPgdAt, {"exact=true", "precision.compute=" + lower}),
                      ContainsSubstring("exact: expected precision.compute f32 because lower precision only "
                                        "approximates it, got " +
                                        lower + "; set one of the two"));
}
