#include "core/ops/elementwise.h"
#include "core/ops/linear.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/gradcheck.h"

using namespace temper;
using test::wave;

namespace {

/// A two-layer network with two inputs, small enough to follow by hand.
struct TwoLayers {
  Engine engine;
  ParamLayout layout;
  int w1 = layout.add("w1", {8, 6}, {}), w2 = layout.add("w2", {1, 8}, {}), unused = layout.add("unused", {3}, {});
  ParamBuffer values{layout, DType::f64, engine.stream()};
  Tensor x = test::tensor_of(engine, {4, 6}, wave(24, 5));

  explicit TwoLayers(Device device, float loss_scale = 1)
      : engine({.device = device, .compute = DType::f64, .loss_scale = loss_scale, .arena_mb = 16}) {
    values.write(w1, wave(48, 1));
    values.write(w2, wave(8, 2));
  }
  Tensor input() const { return x; }
  /// One value per sample, as an attack's objective is.
  Var operator()(Tape& tape, const Var& v) { return with(tape, v, values); }
  Var with(Tape& tape, const Var& v, const ParamBuffer& weights) const {
    const Var hidden = relu(tape, linear(tape, v, tape.param(weights, w1), {}));
    return reshape(tape, linear(tape, hidden, tape.param(weights, w2), {}), {4});
  }
  ParamBuffer buffer() { return ParamBuffer(layout, DType::f64, engine.stream()); }
  std::vector<double> all(const ParamBuffer& f) const { return test::numbers_of(engine, f.all()); }
};

}  // namespace

TEMPER_DEVICE_TEST("one recording serves several losses and buffers", "[ops][tape]") {
  TwoLayers net(device);
  ParamBuffer first = net.buffer(), second = net.buffer(), sum = net.buffer(), again = net.buffer();
  Tape tape(net.engine, Wrt::params);
  const Var a = net(tape, {net.input()}), b = scale(tape, a, 3.f), both = add(tape, a, b);
  tape.backward(a, first);
  tape.backward(b, second);
  tape.backward(both, sum);
  tape.backward(a, again);
  const auto g1 = net.all(first), g2 = net.all(second), g = net.all(sum);
  for (size_t i = 0; i < g.size(); ++i) CHECK(g[i] == Approx(g1[i] + g2[i]).margin(1e-12));
  CHECK(net.all(again) == g1);
}

TEMPER_DEVICE_TEST("the weights of two buffers of one layout are two variables", "[ops][tape]") {
  TwoLayers net(device);
  const ParamBuffer other = net.buffer();
  Tape tape(net.engine, Wrt::params);
  const Var one = tape.param(net.values, net.w1);
  CHECK(tape.param(net.values, net.w1).slot == one.slot);
  CHECK(tape.param(other, net.w1).slot != one.slot);
}

TEMPER_DEVICE_TEST("two weight sets on one tape keep their gradients apart", "[ops][tape]") {
  TwoLayers net(device);
  ParamBuffer other = net.buffer();
  other.write(net.w1, wave(48, 3));
  other.write(net.w2, wave(8, 4));
  const auto alone = [&](const ParamBuffer& weights, float factor) {
    ParamBuffer grads = net.buffer();
    Tape tape(net.engine, Wrt::params);
    tape.backward(scale(tape, net.with(tape, {net.input()}, weights), factor), grads);
    return net.all(grads);
  };
  ParamBuffer of_values = net.buffer(), of_other = net.buffer();
  Tape tape(net.engine, Wrt::params);
  const Var loss = add(tape, net(tape, {net.input()}), net.with(tape, {net.input()}, other), 3.f);
  tape.backward(loss, {{other, of_other}, {net.values, of_values}});
  CHECK(net.all(of_values) == alone(net.values, 1));
  CHECK(net.all(of_other) == alone(other, 3));
  // The gradient of perturbed weights may go where that of the network's own is awaited.
  const Var perturbed = net.with(tape, {net.input()}, other);
  tape.backward(scale(tape, perturbed, 3.f), {{other, of_values}});
  CHECK(net.all(of_values) == alone(other, 3));
}

TEMPER_DEVICE_TEST("weights whose result is cut from the gradient need no buffer", "[ops][tape]") {
  TwoLayers net(device);
  ParamBuffer teacher = net.buffer(), grads = net.buffer(), alone = net.buffer();
  teacher.write(net.w1, wave(48, 3));
  teacher.write(net.w2, wave(8, 4));
  Tape tape(net.engine, Wrt::params);
  const Var student = net(tape, {net.input()});
  const Var target = stop_gradient(net.with(tape, {net.input()}, teacher));
  tape.backward(add(tape, student, target), {{net.values, grads}});
  tape.backward(student, {{net.values, alone}});
  CHECK(net.all(grads) == net.all(alone));
}

TEMPER_DEVICE_TEST("the gradients of image and weights come from one backward", "[ops][tape]") {
  TwoLayers net(device);
  ParamBuffer joint = net.buffer(), alone = net.buffer();
  Tape both(net.engine, Wrt::input | Wrt::params), params(net.engine, Wrt::params), input(net.engine, Wrt::input);
  const Var x = both.input(net.input()), y = input.input(net.input());
  both.backward(net(both, x), joint);
  params.backward(net(params, params.input(net.input())), alone);
  input.backward(net(input, y));
  CHECK(net.all(joint) == net.all(alone));
  CHECK(test::numbers_of(net.engine, both.grad(x)) == test::numbers_of(net.engine, input.grad(y)));
}

TEMPER_DEVICE_TEST("an input's gradient goes to the buffer named for it, scaled back, or zero", "[ops][tape]") {
  TwoLayers net(device, 8), unscaled(device);
  const Tensor into = test::tensor_of(net.engine, {4, 6}, wave(24, 7));
  const auto written = [&] { return test::numbers_of(net.engine, into); };
  Tape tape(net.engine, Wrt::input), beside(unscaled.engine, Wrt::input);
  const Var x = tape.input(net.input(), into), other = tape.input(net.input()), own = beside.input(unscaled.input());
  const Var through_x = net(tape, x), past_x = net(tape, other);
  beside.backward(unscaled(beside, own));
  tape.backward(through_x);
  CHECK(written() == test::numbers_of(unscaled.engine, beside.grad(own)));
  CHECK(tape.grad(x).data == into.data);
  tape.backward(past_x);
  CHECK(written() == std::vector<double>(24));
}

TEMPER_DEVICE_TEST("a parameter that nothing reaches gets a zero gradient", "[ops][tape]") {
  TwoLayers net(device);
  ParamBuffer grads = net.buffer();
  grads.write(net.unused, {1, 2, 3});
  Tape tape(net.engine, Wrt::params);
  tape.backward(net(tape, {net.input()}), grads);
  CHECK(grads.read(net.unused) == std::vector<double>{0, 0, 0});
}

TEMPER_DEVICE_TEST("an input pass records no parameters", "[ops][tape]") {
  TwoLayers net(device);
  Tape tape(net.engine, Wrt::input);
  const Var x = tape.input(net.input());
  tape.backward(net(tape, x));
  CHECK(tape.grad(x).shape == Shape{4, 6});
  CHECK_FALSE(tape.param(net.values, net.w1).needs_grad());
}

TEMPER_DEVICE_TEST("a frozen parameter takes no gradient", "[ops][tape]") {
  TwoLayers net(device);
  net.layout.freeze("w1");
  ParamBuffer grads = net.buffer();
  Tape tape(net.engine, Wrt::params);
  tape.backward(net(tape, {net.input()}), grads);
  for (const double g : grads.read(net.w1)) CHECK(g == 0);
  CHECK(grads.read(net.w2)[0] != 0);
}

TEMPER_DEVICE_TEST("stop_gradient changes the gradient, not the value", "[ops][tape]") {
  TwoLayers net(device);
  ParamBuffer whole = net.buffer(), cut = net.buffer();
  Tape tape(net.engine, Wrt::params);
  const Var a = net(tape, {net.input()});
  const Var with = add(tape, a, a), without = add(tape, a, stop_gradient(a));
  CHECK(test::numbers_of(net.engine, with.value) == test::numbers_of(net.engine, without.value));
  tape.backward(with, whole);
  tape.backward(without, cut);
  const auto g = net.all(whole), h = net.all(cut);
  for (size_t i = 0; i < g.size(); ++i) CHECK(g[i] == Approx(2 * h[i]).margin(1e-12));
}

TEMPER_DEVICE_TEST("the same step uses the same memory", "[ops][tape]") {
  TwoLayers net(device);
  ParamBuffer grads = net.buffer();
  const size_t before = net.engine.arena().used();
  const auto step = [&] {
    Tape tape(net.engine, Wrt::params);
    const Var y = net(tape, {net.input()});
    tape.backward(y, grads);
    return y.value.data;
  };
  const void* first = step();
  const size_t peak = net.engine.arena().peak();
  CHECK(step() == first);
  CHECK(net.engine.arena().peak() == peak);
  CHECK(net.engine.arena().used() == before);
}

TEMPER_DEVICE_TEST("two engines live side by side", "[ops][tape]") {
  TwoLayers one(device), two(device);
  ParamBuffer g1 = one.buffer(), g2 = two.buffer();
  Tape t1(one.engine, Wrt::params), t2(two.engine, Wrt::params);
  const Var y1 = one(t1, {one.input()}), y2 = two(t2, {two.input()});
  t2.backward(y2, g2);
  t1.backward(y1, g1);
  CHECK(one.all(g1) == two.all(g2));
}

TEST_CASE("tape errors say what to do", "[tape][errors]") {
  TwoLayers net(Device::cpu);
  ParamBuffer grads = net.buffer();
  Tape tape(net.engine, Wrt::params), forward_only(net.engine, Wrt::nothing);
  const Var hidden = linear(tape, {net.input()}, tape.param(net.values, net.w1), {});
  CHECK_THROWS_WITH(tape.backward(hidden, grads),
                    "backward: the loss must be a scalar or one value per sample, got (4, 8)");
  CHECK_THROWS_WITH(tape.backward(net(tape, {net.input()})),
                    "backward: a gradient reaches the parameter 'w2' and there is no buffer for it; pass {its "
                    "weights, a buffer} too, or cut the gradient: stop_gradient() on the output of those weights, or "
                    "a separate tape with Wrt::nothing");
  CHECK_THROWS_WITH(forward_only.backward(net(forward_only, {net.input()})),
                    "backward: nothing this tape differentiates reaches the loss");
  CHECK_THROWS_WITH(tape.grad({net.input()}), ContainsSubstring("no gradient reached this value"));
  CHECK_THROWS_WITH(tape.input(net.input(), net.input()),
                    "input: expected a tape opened with Wrt::input, because the gradient is to go into a buffer; open "
                    "it so or pass none");
  Tape attack(net.engine, Wrt::input);
  CHECK_THROWS_WITH(attack.input(net.input(), net.values.view(net.w1)),
                    "input: x is (4, 6) f64 so the buffer for its gradient must be too, got (8, 6) f64");
}

TEST_CASE("tape: an op that reallocates what is not the tape's is a fault in Temper", "[tape][errors]") {
  TwoLayers net(Device::cpu);
  Tape tape(net.engine, Wrt::input);
  const Var x = tape.input(net.input());
  CHECK_THROWS_AS(tape.reallocate_grad(x), InternalError);
  CHECK_THROWS_WITH(tape.reallocate_grad(x),
                    ContainsSubstring("core/tape.cpp line ") &&
                        ContainsSubstring("reallocate_grad: expected a gradient in the tape's own memory; this is a "
                                          "fault in Temper"));
}

TEST_CASE("tape errors name the weights and buffers that do not fit", "[tape][errors]") {
  TwoLayers net(Device::cpu), foreign(Device::cpu);
  const ParamBuffer other = net.buffer();
  ParamBuffer grads = net.buffer(), more = net.buffer(), of_foreign = foreign.buffer();
  Tape tape(net.engine, Wrt::params);
  const Var loss = add(tape, net(tape, {net.input()}), net.with(tape, {net.input()}, other));
  CHECK_THROWS_WITH(tape.backward(loss, grads),
                    "backward: two sets of parameters on this tape have the layout of the buffer ('w1' and 2 more); "
                    "say which gradient goes where: backward(loss, {{weights, buffer}, ...})");
  CHECK_THROWS_WITH(tape.backward(loss, of_foreign),
                    "backward: this tape differentiates no parameters with the layout of the buffer ('w1' and 2 more); "
                    "open it with Wrt::params and pass a buffer of their own layout");
  CHECK_THROWS_WITH(tape.backward(loss, {{net.values, grads}}),
                    ContainsSubstring("a gradient reaches the parameter 'w2' and there is no buffer for it"));
  CHECK_THROWS_WITH(tape.backward(loss, {{net.values, of_foreign}}),
                    "backward: the buffer for the gradients of 'w1' and 2 more has the layout of 'w1' and 2 more; make "
                    "it of the parameters' own ParamLayout");
  const char* twice =
      "backward: expected each set of parameters and each buffer once, but one of 'w1' and 2 more came twice";
  CHECK_THROWS_WITH(tape.backward(loss, {{net.values, grads}, {other, grads}}), twice);
  CHECK_THROWS_WITH(tape.backward(loss, {{net.values, grads}, {net.values, more}}), twice);
}
