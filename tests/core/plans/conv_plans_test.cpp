#include "core/plans/conv_plans.h"

#include <set>

#include "core/plans/conv_trial.h"
#include "kernels/runtime/capture.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/reference_engines_fixture.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;
using Catch::Matchers::StartsWith;

namespace {

const ConvShape kShape{.n = 2, .h = 6, .w = 5, .c = 8, .k = 16, .r = 3, .s = 3, .stride = 1, .pad = 1};
const ConvShape kStrided{.n = 3, .h = 7, .w = 8, .c = 8, .k = 24, .r = 3, .s = 3, .stride = 2, .pad = 1};

/// Every kind of key there is, of some shapes.
std::vector<ConvKey> every_key() {
  using P = ConvPass;
  std::vector<ConvKey> keys;
  for (const ConvShape& g : {kShape, kStrided})
    for (const ConvType type : {ConvType::f32, ConvType::tf32, ConvType::bf16, ConvType::f16}) {
      keys.push_back({.shape = g, .type = type});
      keys.push_back({.shape = g, .type = type, .bias = true, .relu = true});
      keys.push_back({.shape = g, .type = type, .bias = true, .residual = true, .relu = true});
      keys.push_back({.shape = g, .type = type, .statistics = true});
      keys.push_back({.shape = g, .type = type, .pass = P::backward_data});
      keys.push_back({.shape = g, .type = type, .pass = P::backward_data, .accumulate = true});
      keys.push_back({.shape = g, .type = type, .pass = P::backward_data, .mask = true});
      keys.push_back({.shape = g, .type = type, .pass = P::backward_data, .residual = true, .mask = true});
      keys.push_back({.shape = g, .type = type, .pass = P::backward_filter});
      if (storage(type) == DType::f32)
        keys.push_back({.shape = g, .type = type, .pass = P::backward_filter, .accumulate = true});
    }
  return keys;
}

ConvPlans plans_of(test::ReferenceEnginesOptions engines, ConvPlans::Options options = {}) {
  return ConvPlans(test::make_reference_engines(std::move(engines)), std::move(options));
}

/// What a check says of one engine with a fault.
std::string fault(const ConvKey& key, test::Fault fault, int64_t workspace = 0) {
  PlanRefusals refusals;
  const auto engines = test::make_reference_engines({.engines = {{.workspace = workspace, .fault = fault}}});
  const auto plans = engines->find(key, {.workspace = workspace}, refusals);
  return ConvTrial({}, key, workspace).fault(*plans.at(0));
}

}  // namespace

TEST_CASE("a check finds nothing wrong with any right convolution", "[conv][plans]") {
  for (const ConvKey& key : every_key()) {
    CAPTURE(id_text(key));
    CHECK(fault(key, test::Fault::none, 100) == "");
  }
}

TEST_CASE("a check finds a single wrong element of any convolution", "[conv][plans]") {
  for (const ConvKey& key : every_key()) {
    CAPTURE(id_text(key));
    CHECK_THAT(fault(key, test::Fault::one_element), StartsWith("element "));
  }
}

TEST_CASE("a check finds what an epilogue leaves out", "[conv][plans]") {
  for (const ConvKey& key : every_key()) {
    CAPTURE(id_text(key));
    CHECK(fault(key, test::Fault::passes_at_zero).empty() == !key.mask);
    CHECK(fault(key, test::Fault::forgets_residual).empty() == !key.residual);
    const bool adds = key.accumulate || (key.pass == ConvPass::backward_filter && storage(key.type) != DType::f32);
    CHECK(fault(key, test::Fault::forgets_what_is_there).empty() == !adds);
  }
}

TEST_CASE("a check of a large result looks all over it", "[conv][plans]") {
  // A fault in one element would escape; one in a sixteenth of them does not.
  class LastSamples : public ConvPlan {
   public:
    explicit LastSamples(const ConvKey& key) : key_(key) {}
    std::string engine() const override { return "last samples"; }
    bool compiled() const override { return false; }
    int64_t workspace() const override { return 0; }
    std::string text() const override { return ""; }
    void execute(Stream, const ConvBindings& bindings, void*) const override {
      test::compute_reference(key_, bindings);
      const ConvArray y = conv_arrays(key_)[0];
      for (const ConvBinding& b : bindings)
        if (b.id == y.id) std::fill_n(static_cast<float*>(b.data) + y.elements / 16 * 15, y.elements / 16, 0.f);
    }

   private:
    ConvKey key_;
  };
  const ConvKey key{.shape = {.n = 16, .h = 16, .w = 16, .c = 4, .k = 16, .r = 1, .s = 1}};
  CHECK_THAT(ConvTrial({}, key, 0).fault(LastSamples(key)), ContainsSubstring(" of 65536 is 0, by a plain sum "));
}

TEST_CASE("an engine that computes wrongly is told of once and not taken again", "[conv][plans]") {
  const test::TemporaryFolder folder;
  const ConvKey key{.shape = kShape, .type = ConvType::bf16, .pass = ConvPass::backward_data, .mask = true};
  const test::ReferenceEnginesOptions engines{
      .engines = {{.name = "e7", .fault = test::Fault::passes_at_zero}, {.name = "e8"}}};
  {
    ConvPlans plans = plans_of(engines, {.folder = folder.path().string()});
    REQUIRE(plans.get({}, key));
    CHECK(plans.get({}, key)->engine() == "e8");
    REQUIRE(plans.notes().size() == 1);
    CHECK_THAT(plans.notes()[0],
               StartsWith("conv2d data gradient + dReLU in bf16 of x (2, 6, 5, 8), w (16, 3, 3, 8), stride 1, padding "
                          "1: engine e7 of reference engines 1 on a CPU gives a wrong result and is not used for it: "
                          "element "));
    // Where its fault does no harm it may be the one.
    CHECK(plans.get({}, {.shape = kShape, .type = ConvType::bf16})->engine() == "e7");
  }
  test::EnginesLog log;
  auto again = engines;
  again.log = &log;
  ConvPlans plans = plans_of(again, {.folder = folder.path().string()});
  CHECK(plans.get({}, key)->engine() == "e8");
  CHECK(plans.notes().empty());
  CHECK(log.found == 0);
  CHECK(log.executed == 0);  // checked once is enough
}

TEST_CASE("a plan from a run without checks is checked by one with them", "[conv][plans]") {
  const test::TemporaryFolder folder;
  const test::ReferenceEnginesOptions engines{
      .engines = {{.name = "wrong", .fault = test::Fault::one_element}, {.name = "right"}}};
  const std::string path = folder.path().string();
  CHECK(plans_of(engines, {.check = PlanCheck::off, .folder = path}).get({}, {.shape = kShape})->engine() == "wrong");
  CHECK(plans_of(engines, {.folder = path}).get({}, {.shape = kShape})->engine() == "right");
  CHECK(plans_of(engines, {.check = PlanCheck::off, .folder = path}).get({}, {.shape = kShape})->engine() == "right");
}

TEST_CASE("a plan without a text form is checked once for all", "[conv][plans]") {
  const test::TemporaryFolder folder;
  test::EnginesLog log;
  for (int process = 0; process < 2; ++process)
    CHECK(plans_of({.engines = {{.as_text = false}}, .log = &log}, {.folder = folder.path().string()})
              .get({}, {.shape = kShape}));
  CHECK(log.found == 2);
  CHECK(log.executed == 1);
}

TEST_CASE("where every engine is wrong there is no plan, and the refusal says so", "[conv][plans]") {
  const test::TemporaryFolder folder;
  for (const size_t notes : {2, 0}) {
    ConvPlans plans = plans_of({.engines = {{.name = "a", .fault = test::Fault::one_element},
                                            {.name = "b", .fault = test::Fault::one_element}}},
                               {.folder = folder.path().string()});
    CHECK(!plans.get({}, {.shape = kShape}));
    CHECK(plans.notes().size() == notes);
    CHECK_THAT(plans.refusal({.shape = kShape}), ContainsSubstring("of 2 it proposes, 2 gave wrong results"));
  }
}

TEST_CASE("the fastest plan is taken unless it is wrong", "[conv][plans]") {
  ConvPlans plans = plans_of({.engines = {{.name = "slow", .seconds = 3},
                                          {.name = "fastest", .fault = test::Fault::one_element, .seconds = 1},
                                          {.name = "fast", .seconds = 2}}},
                             {.choice = PlanChoice::timed});
  CHECK(plans.get({}, {.shape = kShape})->engine() == "fast");
}

TEST_CASE("a plan is not chosen in a recording", "[conv][plans]") {
  Capture capture;
  const Stream stream{.capture = &capture};
  ConvPlans plans = plans_of({});
  plans.get(stream, {.shape = kShape});
  capture.begin();
  CHECK(plans.get(stream, {.shape = kShape}));
  CHECK_THROWS_WITH(plans.get(stream, {.shape = kStrided}),
                    "conv2d: a plan is chosen and checked, which cannot be captured");
  capture.end();
}

TEST_CASE("plans made at once are those made one by one", "[conv][plans]") {
  const auto takes_some = [](const ConvKey& k) { return !k.mask && !(k.bias && k.residual); };
  const auto options = [&](test::EnginesLog& log) {
    return test::ReferenceEnginesOptions{
        .engines = {{.name = "a", .takes = takes_some, .fault = test::Fault::one_element},
                    {.name = "b", .takes = test::plain},
                    {.name = "c", .takes = takes_some}},
        .log = &log,
        .slow_ms = 5};
  };
  test::EnginesLog log, serial_log;
  ConvPlans parallel = plans_of(options(log), {.threads = 4}), serial = plans_of(options(serial_log));
  const std::vector<ConvKey> keys = every_key();
  for (const ConvKey& key : keys)
    for (int twice = 0; twice < 2; ++twice) parallel.note({key, {.shape = key.shape, .type = key.type}});
  parallel.make_noted({});
  CHECK(log.most_at_once > 1);
  for (const ConvKey& key : keys) {
    CAPTURE(id_text(key));
    REQUIRE(parallel.known(key));
    const ConvPlan *a = parallel.get({}, key), *b = serial.get({}, key);
    REQUIRE(bool(a) == bool(b));
    CHECK((a ? a->engine() : "") == (b ? b->engine() : ""));
  }
  CHECK(log.found == serial_log.found);
  const auto sorted = [](const ConvPlans& plans) {
    const std::vector<std::string> notes = plans.notes();
    return std::multiset<std::string>(notes.begin(), notes.end());
  };
  CHECK(sorted(parallel) == sorted(serial));
}

TEST_CASE("of noted keys the first that has a plan is made, and none behind it", "[conv][plans]") {
  test::EnginesLog log;
  ConvPlans plans = plans_of({.engines = {{.takes = test::plain}}, .log = &log});
  const ConvKey fused{.shape = kShape, .bias = true}, separate{.shape = kShape}, other{.shape = kStrided};
  plans.note({fused, separate, other});
  plans.make_noted({});
  CHECK(plans.known(fused));
  CHECK(plans.known(separate));
  CHECK(!plans.known(other));
  plans.make_noted({});
  CHECK(log.found == 2);
}

TEST_CASE("kept plans are loaded at once, too", "[conv][plans]") {
  const test::TemporaryFolder folder;
  test::EnginesLog log;
  for (int process = 0; process < 2; ++process) {
    ConvPlans plans = plans_of({.log = &log, .slow_ms = 20}, {.folder = folder.path().string(), .threads = 2});
    for (const ConvShape& g : {kShape, kStrided}) plans.note({{.shape = g}});
    plans.make_noted({});
    CHECK(plans.notes().empty());
  }
  CHECK(log.found == 2);
  CHECK(log.loaded == 2);
  CHECK(log.executed == 2);
}

TEST_CASE("an error in one of the threads is thrown when all have ended", "[conv][plans]") {
  ConvPlans plans = plans_of({.engines = {{.takes = [](const ConvKey& k) -> bool {
                                if (k.bias) fail("no bias today");
                                return true;
                              }}}},
                             {.threads = 3});
  for (const bool bias : {false, true, false}) plans.note({{.shape = bias ? kShape : kStrided, .bias = bias}});
  CHECK_THROWS_WITH(plans.make_noted({}), "no bias today");
}
