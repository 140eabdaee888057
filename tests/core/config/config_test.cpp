#include <filesystem>
#include <fstream>

#include "core/config/config.h"
#include "core/registry.h"
#include "tests/fixtures/catch.h"

using namespace temper;

namespace {

enum class Start { none, uniform };

struct AttackFields {
  double radius = 8.0 / 255;
  int steps = 10;
  Start start = Start::uniform;
  void fields(Fields& f) {
    f("radius", radius, Limits::any(), "eps");
    f("steps", steps, Limits::at_least(1), "gradient steps");
    f.choice("start", start, {{"none", Start::none}, {"uniform", Start::uniform}}, "random start");
    if (steps < 1) f.reject("steps", "must be at least 1, got ", steps);
  }
};

struct Experiment {
  double beta = 6;
  bool nesterov = false;
  std::string tag = "run";
  std::vector<double> mean = {0.5};
  AttackFields attack;
  void fields(Fields& f) {
    f("beta", beta, Limits::any(), "weight of the KL term");
    f("nesterov", nesterov, "look ahead");
    f("tag", tag, "name of the run");
    f("mean", mean, Limits::any(), "per channel");
    f.section("attack", attack);
  }
};

Experiment read(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const Config config = parse_config(text, "t.yaml", overrides);
  Fields f(config);
  Experiment e;
  e.fields(f);
  f.finish();
  return e;
}

struct Shape2 {
  virtual ~Shape2() = default;
  virtual void fields(Fields& f) = 0;
};
struct Circle : Shape2 {
  double r = 1;
  void fields(Fields& f) override { f("r", r, Limits::any(), "radius"); }
};
TEMPER_REGISTER(Shape2, Circle, "circle", "round");

}  // namespace

TEST_CASE("values, fractions, lists and choices are read", "[config]") {
  const Experiment e = read("beta: 2.5\nmean: [0.1, 1/4]\nattack:\n  radius: 8/255\n  start: none\nnesterov: true\n");
  CHECK(e.beta == 2.5);
  CHECK(e.mean == std::vector<double>{0.1, 0.25});
  CHECK(e.attack.radius == 8.0 / 255);
  CHECK(e.attack.start == Start::none);
  CHECK(e.attack.steps == 10);
  CHECK(e.nesterov);
}

TEST_CASE("overrides win over the file", "[config]") {
  const Experiment e = read("beta: 1\n", {"beta=3", "attack.steps=7", "tag=a b"});
  CHECK(e.beta == 3);
  CHECK(e.attack.steps == 7);
  CHECK(e.tag == "a b");
}

TEST_CASE("what was resolved reads back as the same", "[config]") {
  const Config config = parse_config("beta: 0.1\nattack: {radius: 1/3}\n", "t.yaml");
  Fields f(config);
  Experiment e;
  e.fields(f);
  const Experiment again = read(f.resolved().yaml());
  CHECK(again.beta == e.beta);
  CHECK(again.attack.radius == e.attack.radius);
  CHECK(f.docs().front().key == "beta");
  CHECK(f.docs().back().key == "attack.start");
  CHECK(f.docs().back().type == "none | uniform");
}

TEST_CASE("config errors name the line, the key and the nearest key", "[config][errors]") {
  CHECK_THROWS_WITH(
      read("beta: 6\nattack:\n  raduis: 0.1\n"),
      "t.yaml line 3: attack: unknown key 'raduis'; did you mean 'radius'? (known: radius, steps, start)");
  const std::string known = " (known: beta, nesterov, tag, mean, attack)";
  CHECK_THROWS_WITH(read("betta: 6\n"), "t.yaml line 1: unknown key 'betta'; did you mean 'beta'?" + known);
  CHECK_THROWS_WITH(read("zzzzzzzz: 6\n"), "t.yaml line 1: unknown key 'zzzzzzzz'" + known);
  CHECK_THROWS_WITH(read("beta:\n"),
                    "t.yaml line 1: beta: expected a number, got nothing; give a value, or remove the key for the "
                    "default");
  CHECK_THROWS_WITH(read("beta: six\n"), "t.yaml line 1: beta: expected a number, got 'six'");
  CHECK_THROWS_WITH(read("beta: 8/0\n"), "t.yaml line 1: beta: expected a number, got '8/0'");
  CHECK_THROWS_WITH(read("beta: 8/255*2\n"), "t.yaml line 1: beta: expected a number, got '8/255*2'");
  CHECK_THROWS_WITH(read("nesterov: 3\n"), "t.yaml line 1: nesterov: expected true or false, got '3'");
  CHECK_THROWS_WITH(read("attack: {steps: 2.5}\n"), "t.yaml line 1: attack.steps: expected a whole number, got '2.5'");
  CHECK_THROWS_WITH(read("attack: {steps: 0}\n"), "t.yaml line 1: attack.steps: expected 1 or more, got 0");
  CHECK_THROWS_WITH(read("attack: 3\n"), "t.yaml line 1: attack: expected a section of `key: value` lines, got '3'");
  CHECK_THROWS_WITH(read("mean: 3\n"), "t.yaml line 1: mean: expected a list like [a, b], got '3'");
  CHECK_THROWS_WITH(read("tag: [a]\n"), "t.yaml line 1: tag: expected text, got '[a]'");
  CHECK_THROWS_WITH(
      read("attack: {start: unifrom}\n"),
      "t.yaml line 1: attack.start: expected one of none, uniform, got 'unifrom'; did you mean 'uniform'?");
  CHECK_THROWS_WITH(read("beta: 1\nbeta: 2\n"), "t.yaml line 2: the key 'beta' is given twice");
  CHECK_THROWS_WITH(read("- a\n"), "t.yaml: expected `key: value` lines at the top level");
  CHECK_THROWS_WITH(read("beta: [1\n"), ContainsSubstring("t.yaml line 2: "));
  CHECK_THROWS_WITH(read("", {"beta"}), "--set beta: expected key=value, such as --set loop.epochs=2");
  CHECK_THROWS_WITH(read("beta: 1\n", {"beta.x=1"}), "--set beta.x=1: 'beta' has no keys below it");
  CHECK_THROWS_WITH(read("", {"betta=1"}), "--set betta: unknown key 'betta'; did you mean 'beta'?" + known);
  CHECK_THROWS_WITH(load_config("/nonexistent.yaml"), "/nonexistent.yaml: cannot be read; is the path right?");
}

TEST_CASE("a base file is overlaid", "[config]") {
  const auto folder = std::filesystem::temp_directory_path() / "temper_config_test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "base.yaml") << "beta: 1\nattack:\n  steps: 3\n  radius: 0.5\n";
  std::ofstream(folder / "child.yaml") << "base: base.yaml\nattack:\n  steps: 4\n";
  std::ofstream(folder / "bad.yaml") << "base: base.yaml\nattack:\n  stepps: 4\n";
  const Config config = load_config((folder / "child.yaml").string());
  Fields f(config);
  Experiment e;
  e.fields(f);
  f.finish();
  CHECK(e.attack.steps == 4);
  CHECK(e.attack.radius == 0.5);
  CHECK(e.beta == 1);
  const Config bad = load_config((folder / "bad.yaml").string());
  Fields g(bad);
  CHECK_THROWS_WITH(e.fields(g),
                    ContainsSubstring((folder / "bad.yaml").string() +
                                      " line 3: attack: unknown key 'stepps'; did you mean 'steps'? (known: "));
  std::filesystem::remove_all(folder);
}

TEST_CASE("a part of a configuration is laid over another one and keeps its place in messages", "[config]") {
  const Config table = parse_config("beta: 3\nchange:\n  attack:\n    steps: 4\n    raduis: 1\n", "table.yaml");
  Fields f(table);
  double beta = 0;
  f("beta", beta, Limits::any(), "");
  const Config part = f.part("change", "keys laid over");
  f.finish();
  CHECK(f.docs().back().type == "section");
  Config config = parse_config("beta: 2\nattack: {steps: 3, radius: 0.5}\n", "t.yaml");
  overlay(config, part);
  Fields g(config);
  Experiment e;
  CHECK_THROWS_WITH(e.fields(g), ContainsSubstring("table.yaml line 5: attack: unknown key 'raduis'; did you mean"));
  CHECK(e.attack.steps == 4);
  CHECK(e.attack.radius == 0.5);
  CHECK(e.beta == 2);
}

TEST_CASE("a registry makes members by name", "[config][errors]") {
  const Config config = parse_config("shape: {name: circle, r: 2}\nwrong: {name: cirlce}\n", "t.yaml");
  Fields f(config);
  std::string name = "circle";
  const auto made = Registry<Shape2>::instance().read(f, "shape", name);
  CHECK(dynamic_cast<Circle&>(*made).r == 2);
  CHECK_THROWS_WITH(Registry<Shape2>::instance().read(f, "wrong", name),
                    "t.yaml line 2: wrong.name: unknown name 'cirlce'; did you mean 'circle'? (known: circle)");
}
