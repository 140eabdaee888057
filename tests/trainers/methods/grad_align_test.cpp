#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"
#include "nn/gates.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/gradcheck.h"
#include "tests/fixtures/loop_fixture.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/tensors.h"

using namespace temper;
using test::largest_difference;
using test::numbers_of;

namespace {

/// Logits with the gates of the first image, and without.
struct Held {
  Engine engine;
  std::unique_ptr<Network> net;
  Tensor images, elsewhere;
  Held(Device device, const std::string& model)
      : engine({.device = device, .arena_mb = 64, .seed = 3}),
        net(test::network(engine, model, {.data = {.height = 8, .width = 8, .classes = 4}})),
        images(test::images(engine, 4, net->options().data)) {
    std::vector<double> moved = numbers_of(engine, images);
    for (size_t i = 0; i < moved.size(); ++i) moved[i] = i % 3 == 0 ? 1 - moved[i] : moved[i];
    elsewhere = test::tensor_of(engine, images.shape, moved);
  }
  /// The logits of images that lie `share` of the way from `images` to `elsewhere`, with the gates of `images`.
  std::vector<double> held(float share) {
    Gates gates;
    Pass pass{.update = BnUpdate::no, .gates = &gates};
    Tape tape(engine, Wrt::nothing);
    (*net)(tape, tape.input(images), pass);
    gates.repeat();
    const Var at = add(tape, add(tape, {images}, {elsewhere}, share), {images}, -share);
    return numbers_of(engine, (*net)(tape, at, pass).value);
  }
};

}  // namespace

TEMPER_DEVICE_TEST("gates: a pass at the same images is the same, and elsewhere it is not that of free ReLUs", "[nn]") {
  for (const std::string& model : {std::string("{name: small_cnn, widths: [4, 4], strides: [1, 2]}"),
                                   std::string("{name: small_resnet, widths: [4, 6]}")}) {
    INFO(model);
    Held h(device, model);
    const Pass plain{.update = BnUpdate::no};
    const auto logits = [&](const Tensor& x) { return numbers_of(h.engine, h.net->predict(h.engine, x, plain)); };
    CHECK(largest_difference(h.held(0), logits(h.images)) < 1e-5);
    CHECK(largest_difference(h.held(1), logits(h.elsewhere)) > 1e-2);
  }
}

TEST_CASE("gated: the gradient passes open gates only", "[ops]") {
  Engine engine({.compute = DType::f64, .arena_mb = 64});
  const Tensor open = test::tensor_of(engine, {2, 2}, {1, 0, -1, 0.5});
  const Tensor x = test::tensor_of(engine, {2, 2}, {-3, 4, 5, 6}), dx = engine.arena().tensor({2, 2}, x.dtype);
  Tape tape(engine, Wrt::input);
  const Var y = gated(tape, tape.input(x, dx), open);
  CHECK(numbers_of(engine, y.value) == std::vector<double>{-3, 0, 0, 6});
  tape.backward(row_sum(tape, y));
  CHECK(numbers_of(engine, dx) == std::vector<double>{1, 0, 0, 1});
}

TEST_CASE("grad_align: weight 0 is FGSM training, bit for bit") {
  Experiment aligned = test::tiny("{name: grad_align, weight: 0, attack: {radius: 0.05, step: 0.05}}");
  Experiment plain = test::tiny("{name: fgsm_rs, attack: {radius: 0.05, step: 0.05, noise: 0}}");
  CHECK(test::first_steps(aligned, 4).numbers == test::first_steps(plain, 4).numbers);
}

TEST_CASE("grad_align: what its difference quotient cannot follow is refused") {
  const auto steps = [](const std::vector<std::string>& set) {
    Experiment e = test::tiny("{name: grad_align, attack: {radius: 0.05, step: 0.05}}", set);
    test::first_steps(e, 1);
  };
  CHECK_THROWS_WITH(steps({"precision.compute=bf16"}),
                    ContainsSubstring("grad_align: expected precision.compute: f32, because its term is differentiated "
                                      "by a difference") &&
                        ContainsSubstring("got bf16"));
  CHECK_THROWS_WITH(steps({"model={name: sequential, layers: [{type: conv, out: 4}, {type: relu}, {type: max_pool}, "
                           "{type: flatten}, {type: linear, out: 3}]}"}),
                    ContainsSubstring("model: max_pool has no gates that could be held"));
}
