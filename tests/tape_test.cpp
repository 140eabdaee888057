#include "core/ops_elementwise.h"
#include "core/ops_linear.h"
#include "tests/devices.h"
#include "tests/gradcheck.h"

using namespace temper;
using test::wave;

namespace {

/// A two-layer network with two inputs, small enough to follow by hand.
struct TwoLayers {
  Engine engine;
  ParamStore store;
  int w1 = store.add("w1", {8, 6}, {}), w2 = store.add("w2", {1, 8}, {}), unused = store.add("unused", {3}, {});
  Flat values{store, DType::f64, engine.stream()};
  Tensor x = test::tensor_of(engine, {4, 6}, wave(24, 5));

  explicit TwoLayers(Device device) : engine({.device = device, .compute = DType::f64, .arena_mb = 16}) {
    values.write(w1, wave(48, 1));
    values.write(w2, wave(8, 2));
  }
  Tensor input() const { return x; }
  /// One value per sample, as an attack's objective is.
  Var operator()(Tape& tape, const Var& v) {
    const Var hidden = relu(tape, linear(tape, v, tape.param(values, w1), {}));
    return reshape(tape, linear(tape, hidden, tape.param(values, w2), {}), {4});
  }
  Flat buffer() { return Flat(store, DType::f64, engine.stream()); }
  std::vector<double> all(const Flat& f) const { return test::numbers_of(engine, f.all()); }
};

}  // namespace

TEMPER_DEVICE_TEST("one recording serves several losses and buffers", "[ops][tape]") {
  TwoLayers net(device);
  Flat first = net.buffer(), second = net.buffer(), sum = net.buffer(), again = net.buffer();
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

TEMPER_DEVICE_TEST("a parameter that nothing reaches gets a zero gradient", "[ops][tape]") {
  TwoLayers net(device);
  Flat grads = net.buffer();
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
  net.store.freeze("w1");
  Flat grads = net.buffer();
  Tape tape(net.engine, Wrt::params);
  tape.backward(net(tape, {net.input()}), grads);
  for (const double g : grads.read(net.w1)) CHECK(g == 0);
  CHECK(grads.read(net.w2)[0] != 0);
}

TEMPER_DEVICE_TEST("stop_gradient changes the gradient, not the value", "[ops][tape]") {
  TwoLayers net(device);
  Flat whole = net.buffer(), cut = net.buffer();
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
  Flat grads = net.buffer();
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
  Flat g1 = one.buffer(), g2 = two.buffer();
  Tape t1(one.engine, Wrt::params), t2(two.engine, Wrt::params);
  const Var y1 = one(t1, {one.input()}), y2 = two(t2, {two.input()});
  t2.backward(y2, g2);
  t1.backward(y1, g1);
  CHECK(one.all(g1) == two.all(g2));
}

TEST_CASE("tape errors say what to do", "[tape][errors]") {
  TwoLayers net(Device::cpu);
  Flat grads = net.buffer();
  Tape tape(net.engine, Wrt::params), forward_only(net.engine, Wrt::nothing);
  const Var hidden = linear(tape, {net.input()}, tape.param(net.values, net.w1), {});
  CHECK_THROWS_WITH(tape.backward(hidden, grads),
                    "backward: the loss must be a scalar or one value per sample, got (4, 8)");
  CHECK_THROWS_WITH(tape.backward(net(tape, {net.input()})),
                    "backward: this tape has the parameter 'w1'; pass the buffer for its gradients");
  CHECK_THROWS_WITH(forward_only.backward(net(forward_only, {net.input()})),
                    "backward: nothing this tape differentiates reaches the loss");
  CHECK_THROWS_WITH(tape.grad({net.input()}), ContainsSubstring("no gradient reached this value"));
}
