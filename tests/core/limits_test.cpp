#include "core/limits.h"

#include <algorithm>
#include <limits>

#include "analysis/analysis.h"
#include "core/config/config.h"
#include "nn/sequential.h"
#include "tests/fixtures/catch.h"
#include "trainers/experiment.h"

using namespace temper;

namespace {

// Nobody can forget what a number may be: a field without limits does not compile, in a list neither.
template <class T>
constexpr bool declared_plainly = std::is_invocable_v<Fields&, const char*, T&, const char*>;
template <class T>
constexpr bool declared_with_limits = std::is_invocable_v<Fields&, const char*, T&, const Limits&, const char*>;
static_assert(!declared_plainly<double> && !declared_plainly<float> && !declared_plainly<int>);
static_assert(!declared_plainly<int64_t> && !declared_plainly<uint64_t> && !declared_plainly<std::vector<double>>);
static_assert(declared_plainly<bool> && declared_plainly<std::string> && declared_plainly<std::vector<std::string>>);
static_assert(declared_with_limits<double> && declared_with_limits<std::vector<int>> && !declared_with_limits<bool>);

struct Section {
  double share = 0.5;
  float weight = 1;
  int64_t count = 3;
  std::vector<double> rates = {0.1};
  void fields(Fields& f) {
    f("share", share, Limits::at_least(0).below(1), "");
    f("weight", weight, Limits::at_least(0).usually(0.5, 10).or_zero(), "");
    f("count", count, Limits::between(1, 1e6), "");
    f("rates", rates, Limits::above(0).usually(1e-7, 10), "");
  }
};

std::vector<std::string> warnings(const std::string& text) {
  const Config config = parse_config(text, "s.yaml");
  Fields f(config);
  Section s;
  f.section("s", s);
  f.finish();
  return f.warnings();
}

template <class Base>
void add_docs(std::vector<FieldDoc>& to) {
  for (const auto& [name, entry] : Registry<Base>::instance().all()) {
    const Config nothing;
    Fields f(nothing);
    entry.make()->fields(f);
    to.insert(to.end(), f.docs().begin(), f.docs().end());
  }
}

}  // namespace

TEST_CASE("limits: what they allow, what is usual, and how they read", "[config]") {
  CHECK(Limits::at_least(0).text() == "0 or more");
  CHECK(Limits::above(0).text() == "more than 0");
  CHECK(Limits::between(0, 1).text() == "0 to 1");
  CHECK(Limits::between(1, 1 << 20).text() == "1 to 1048576");
  CHECK(Limits::at_least(0).below(1).text() == "0 or more and below 1");
  CHECK(Limits::above(0).up_to(0.5).text() == "more than 0 and up to 0.5");
  CHECK(Limits::between(2, 9).or_zero().text() == "0, or 2 to 9");
  CHECK(Limits::any().text().empty());
  CHECK(Limits::above(0).usually(1e-7, 10).usual_text() == "1e-07 to 10");
  CHECK(Limits::at_least(0).usual_text().empty());

  const Limits share = Limits::at_least(0).below(1);
  CHECK(share.allow(0));
  CHECK(share.allow(0.999));
  CHECK_FALSE(share.allow(1));
  CHECK_FALSE(share.allow(-1e-300));
  CHECK_FALSE(Limits::above(0).allow(0));
  CHECK(Limits::above(0).up_to(1).allow(1));
  const Limits classes = Limits::between(2, 9).or_zero();
  CHECK(classes.allow(0));
  CHECK_FALSE(classes.allow(1));
  CHECK(classes.allow(9));
  for (const double v : {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
                         std::numeric_limits<double>::quiet_NaN()})
    CHECK_FALSE(Limits::any().allow(v));
  const Limits rate = Limits::above(0).usually(1e-7, 10);
  CHECK(rate.usual(10));
  CHECK_FALSE(rate.usual(10.5));
  CHECK(rate.or_zero().usual(0));
}

TEST_CASE("limits: a number outside is refused with key, line, value and what it may be", "[config][errors]") {
  const auto read = [](const std::string& text) { return [=] { warnings("s:\n  " + text); }; };
  CHECK_THROWS_WITH(read("share: 1")(), "s.yaml line 2: s.share: expected 0 or more and below 1, got 1");
  CHECK_THROWS_WITH(read("share: -0.25")(), "s.yaml line 2: s.share: expected 0 or more and below 1, got -0.25");
  CHECK_THROWS_WITH(read("count: 0")(), "s.yaml line 2: s.count: expected 1 to 1000000, got 0");
  CHECK_THROWS_WITH(read("count: 9000000000")(), "s.yaml line 2: s.count: expected 1 to 1000000, got 9000000000");
  CHECK_THROWS_WITH(read("rates: [0.1, 0]")(), "s.yaml line 2: s.rates: expected more than 0, got 0");
  for (const std::string number : {".nan", ".inf", "-.inf", "nan", "inf", "1e400", "0/0", "1/1e-320"})
    CHECK_THROWS_WITH(read("share: " + number)(), "s.yaml line 2: s.share: expected a number, got '" + number + "'");
  CHECK_THROWS_WITH(read("weight: 1e39")(),
                    "s.yaml line 2: s.weight: expected a number, got '1e39', more than 32 bits hold");
}

TEST_CASE("limits: a number that is probably a mistake is warned about", "[config]") {
  CHECK(warnings("s: {share: 0.9, weight: 0, count: 9, rates: [1e-7, 10]}").empty());
  CHECK(warnings("s:\n  weight: 100\n  rates: [0.1, 20]") ==
        std::vector<std::string>{"s.yaml line 2: s.weight: 100 is probably a mistake; usual values are 0.5 to 10",
                                 "s.yaml line 3: s.rates: 20 is probably a mistake; usual values are 1e-07 to 10"});
}

TEST_CASE("limits: every numeric key of every kind tells what it may be", "[config][describe]") {
  const Config nothing;
  Fields experiment(nothing);
  Experiment().fields(experiment);
  std::vector<FieldDoc> all = experiment.docs();
  add_docs<Trainer>(all);
  add_docs<Attack>(all);
  add_docs<Architecture>(all);
  add_docs<LayerSpec>(all);
  add_docs<DatasetReader>(all);
  add_docs<Schedule>(all);
  add_docs<Optimizer>(all);
  add_docs<Analysis>(all);
  int numbers = 0;
  for (const FieldDoc& f : all) {
    if (f.type.find("number") == std::string::npos) continue;
    INFO(f.key << ": " << f.type);
    CHECK(f.type.find("number, ") != std::string::npos);
    ++numbers;
  }
  CHECK(numbers > 100);
  const auto lr = std::find_if(all.begin(), all.end(), [](const FieldDoc& f) { return f.key == "optimizer.lr"; });
  CHECK(lr->type == "number, more than 0; usually 1e-07 to 10");
}
