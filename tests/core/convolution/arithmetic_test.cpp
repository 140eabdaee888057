#include "core/convolution/arithmetic.h"

#include "core/ops/conv.h"
#include "core/ops/linear.h"
#include "core/ops/loss.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/tensors.h"

using namespace temper;

TEST_CASE("arithmetic: a multiplication and an addition of a convolution count as two", "[arithmetic]") {
  // (2, 6, 6, 3) -> (2, 3, 3, 5) by 3 x 3 filters of stride 2.
  const ConvShape g{.n = 2, .h = 6, .w = 6, .c = 3, .k = 5, .r = 3, .s = 3, .stride = 2, .pad = 1};
  CHECK(flops_of(g) == 2.0 * 2 * 3 * 3 * 5 * 3 * 3 * 3);
}

TEST_CASE("arithmetic: each pass of a network counts where it belongs", "[arithmetic]") {
  RangeLog log;
  Engine engine({.threads = 1, .arena_mb = 64, .ranges = &log});
  const auto network = test::network(engine, "{name: small_cnn, widths: [6, 8], strides: [1, 2]}",
                                     {.data = {.height = 6, .width = 6, .channels = 3, .classes = 4}});
  const double first = 2.0 * 2 * 6 * 6 * 6 * 9 * 3, second = 2.0 * 2 * 3 * 3 * 8 * 9 * 6, linear = 2.0 * 2 * 8 * 4;
  const Tensor images = engine.arena().tensor({2, 6, 6, 3}, DType::f32),
               labels = engine.arena().tensor({2}, DType::i32);
  test::write_numbers(engine, images, std::vector<double>(images.numel(), 0.5));
  test::write_values(engine, labels, std::vector<int32_t>{1, 3});
  const auto work = [&](Wrt wrt) {
    log.clear();
    Tape tape(engine, wrt);
    const Var loss = cross_entropy(tape, (*network)(tape, tape.input(images), Pass::train()), labels);
    ParamBuffer gradient(network->params(), DType::f32, engine.stream());
    if (wrt == Wrt::input) tape.backward(loss);
    if (wrt == Wrt::params) tape.backward(loss, gradient);
    return arithmetic_of(log);
  };
  CHECK(work(Wrt::nothing) == Arithmetic{.forward = first + second, .products = linear});
  CHECK(work(Wrt::input) ==
        Arithmetic{.forward = first + second, .data_gradient = first + second, .products = 2 * linear});
  // The weights' gradients do not need the images'.
  CHECK(work(Wrt::params) == Arithmetic{.forward = first + second,
                                        .data_gradient = second,
                                        .filter_gradient = first + second,
                                        .products = 3 * linear});
}
