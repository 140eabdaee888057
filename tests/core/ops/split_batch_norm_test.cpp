#include "core/ops/batch.h"
#include "core/ops/loss.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"

using namespace temper;
using test::images;
using test::largest_difference;
using test::network;
using test::numbers_of;

namespace {

constexpr DataShape kTiny{.height = 8, .width = 8};
constexpr int64_t kClean = 3, kOther = 4;

/// A network of its own, with what one pass and a backward pass make of it.
struct Side {
  Engine engine;
  std::unique_ptr<Network> net;
  ParamBuffer gradients;

  Side(Device device, const std::string& model)
      : engine(device == Device::cuda ? EngineOptions{.device = device, .arena_mb = 512}
                                      : EngineOptions{.compute = DType::f64, .arena_mb = 512}),
        net(network(engine, model, {.data = kTiny, .branches = {"clean", "adv"}, .dtype = type()})),
        gradients(net->params(), type(), engine.stream()) {}
  DType type() const { return engine.device() == Device::cuda ? DType::f32 : DType::f64; }
  Tensor all() { return images(engine, kClean + kOther, kTiny); }
  Tensor labels() { return test::labels_of(engine, {0, 1, 2, 3, 4, 5, 6}); }
  std::vector<double> running() { return numbers_of(engine, net->weights().buffers.all()); }
};

}  // namespace

TEMPER_DEVICE_TEST("two batches in one pass, each with its own BatchNorm, are what two passes make of them",
                   "[networks][ops]") {
  const auto* model =
      GENERATE("{name: small_resnet, widths: [4, 8]}", "{name: small_cnn, widths: [4, 4], strides: [1, 2]}",
               "{name: wide_resnet, depth: 10, width: 1}");
  const int branch_of_rest = GENERATE(0, 1);
  const Pass pass = GENERATE(Pass{.momentum = 0.3}, Pass::eval());
  CAPTURE(model, branch_of_rest, static_cast<int>(pass.bn));
  Side joint(device, model), separate(device, model);
  std::vector<double> joint_logits, separate_logits;
  {
    Tape tape(joint.engine, Wrt::params);
    const Tensor all = joint.all();
    Pass both = pass;
    both.rest = {.from = kClean, .branch = branch_of_rest};
    const Var x = concat(tape, tape.input(all.rows(0, kClean)), tape.input(all.rows(kClean, kOther)));
    const Var logits = (*joint.net)(tape, x, both);
    tape.backward(cross_entropy(tape, logits, joint.labels(), Reduction::sum), joint.gradients);
    joint_logits = numbers_of(joint.engine, logits.value);
  }
  {
    Tape tape(separate.engine, Wrt::params);
    const Tensor all = separate.all();
    Pass rest = pass;
    rest.branch = branch_of_rest;
    const Var first = (*separate.net)(tape, tape.input(all.rows(0, kClean)), pass);
    const Var second = (*separate.net)(tape, tape.input(all.rows(kClean, kOther)), rest);
    const Var logits = concat(tape, first, second);
    tape.backward(cross_entropy(tape, logits, separate.labels(), Reduction::sum), separate.gradients);
    separate_logits = numbers_of(separate.engine, logits.value);
  }
  const double close = device == Device::cuda ? 1e-4 : 1e-11;
  CHECK(largest_difference(joint_logits, separate_logits) < close);
  CHECK(largest_difference(numbers_of(joint.engine, joint.gradients.all()),
                           numbers_of(separate.engine, separate.gradients.all())) < close);
  CHECK(largest_difference(joint.running(), separate.running()) < close);
}

TEST_CASE("errors of a pass over two batches say where the second begins", "[networks][errors]") {
  Side side(Device::cpu, "{name: small_cnn, widths: [4, 4], strides: [1, 2]}");
  Tape tape(side.engine, Wrt::nothing);
  const Var x = tape.input(side.all());
  const auto pass = [](int64_t from, int branch) {
    Pass p;
    p.rest = {.from = from, .branch = branch};
    return p;
  };
  CHECK_THROWS_WITH((*side.net)(tape, x, pass(7, 1)),
                    "model: expected the rest of the batch to begin inside it, images are (7, 8, 8, 3), got 7");
  CHECK_THROWS_WITH((*side.net)(tape, x, pass(3, 2)), "model: there is no BatchNorm branch 2, only clean, adv");
}
