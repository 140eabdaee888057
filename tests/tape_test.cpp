#include "core/ops_elementwise.h"
#include "core/ops_linear.h"
#include "tests/gradcheck.h"

using namespace temper;
using test::wave;

namespace {

/// A two-layer network in f64 with two inputs, small enough to follow by hand.
struct TwoLayers {
  Engine engine{{.compute = DType::f64, .arena_mb = 16, .reference_conv = true}};
  ParamStore store;
  int w1 = store.add("w1", {8, 6}, {}), w2 = store.add("w2", {1, 8}, {}), unused = store.add("unused", {3}, {});
  Flat values{store, DType::f64, Stream{}};
  std::vector<double> x = wave(24, 5);

  TwoLayers() {
    values.write(w1, wave(48, 1));
    values.write(w2, wave(8, 2));
  }
  Tensor input() { return {x.data(), {4, 6}, DType::f64}; }
  /// One value per sample, as an attack's objective is.
  Var operator()(Tape& tape, const Var& v) {
    const Var hidden = relu(tape, linear(tape, v, tape.param(values, w1), {}));
    return reshape(tape, linear(tape, hidden, tape.param(values, w2), {}), {4});
  }
  Flat buffer() { return Flat(store, DType::f64, Stream{}); }
};

std::vector<double> all(const Flat& f) {
  const Tensor t = f.all();
  return {t.as<double>(), t.as<double>() + t.numel()};
}

}  // namespace

TEST_CASE("one recording serves several losses and buffers", "[tape]") {
  TwoLayers net;
  Flat first = net.buffer(), second = net.buffer(), sum = net.buffer(), again = net.buffer();
  Tape tape(net.engine, Wrt::params);
  const Var a = net(tape, {net.input()}), b = scale(tape, a, 3.f), both = add(tape, a, b);
  tape.backward(a, first);
  tape.backward(b, second);
  tape.backward(both, sum);
  tape.backward(a, again);
  const auto g1 = all(first), g2 = all(second), g = all(sum);
  for (size_t i = 0; i < g.size(); ++i) CHECK(g[i] == Approx(g1[i] + g2[i]).margin(1e-12));
  CHECK(all(again) == g1);
}

TEST_CASE("a parameter that nothing reaches gets a zero gradient", "[tape]") {
  TwoLayers net;
  Flat grads = net.buffer();
  grads.write(net.unused, {1, 2, 3});
  Tape tape(net.engine, Wrt::params);
  tape.backward(net(tape, {net.input()}), grads);
  CHECK(grads.read(net.unused) == std::vector<double>{0, 0, 0});
}

TEST_CASE("an input pass records no parameters", "[tape]") {
  TwoLayers net;
  Tape tape(net.engine, Wrt::input);
  const Var x = tape.input(net.input());
  tape.backward(net(tape, x));
  CHECK(tape.grad(x).shape == Shape{4, 6});
  CHECK_FALSE(tape.param(net.values, net.w1).needs_grad());
}

TEST_CASE("a frozen parameter takes no gradient", "[tape]") {
  TwoLayers net;
  net.store.freeze("w1");
  Flat grads = net.buffer();
  Tape tape(net.engine, Wrt::params);
  tape.backward(net(tape, {net.input()}), grads);
  for (const double g : grads.read(net.w1)) CHECK(g == 0);
  CHECK(grads.read(net.w2)[0] != 0);
}

TEST_CASE("stop_gradient changes the gradient, not the value", "[tape]") {
  TwoLayers net;
  Flat whole = net.buffer(), cut = net.buffer();
  Tape tape(net.engine, Wrt::params);
  const Var a = net(tape, {net.input()});
  const Var with = add(tape, a, a), without = add(tape, a, stop_gradient(a));
  CHECK(with.value.as<double>()[0] == without.value.as<double>()[0]);
  tape.backward(with, whole);
  tape.backward(without, cut);
  const auto g = all(whole), h = all(cut);
  for (size_t i = 0; i < g.size(); ++i) CHECK(g[i] == Approx(2 * h[i]).margin(1e-12));
}

TEST_CASE("the same step uses the same memory", "[tape]") {
  TwoLayers net;
  Flat grads = net.buffer();
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
  CHECK(net.engine.arena().used() == 0);
}

TEST_CASE("two engines live side by side", "[tape]") {
  TwoLayers one, two;
  Flat g1 = one.buffer(), g2 = two.buffer();
  Tape t1(one.engine, Wrt::params), t2(two.engine, Wrt::params);
  const Var y1 = one(t1, {one.input()}), y2 = two(t2, {two.input()});
  t2.backward(y2, g2);
  t1.backward(y1, g1);
  CHECK(all(g1) == all(g2));
}

TEST_CASE("tape errors say what to do", "[tape][errors]") {
  TwoLayers net;
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
