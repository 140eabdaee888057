// Sections that choose by name, laid over each other; what --set reaches.
#include "core/config/config.h"
#include "core/registry.h"
#include "tests/fixtures/catch.h"

namespace temper {

namespace {

struct Plan {
  virtual ~Plan() = default;
  virtual void fields(Fields&) {}
};
struct Flat_ : Plan {};
struct Rail {
  int height = 1, width = 1;
  void fields(Fields& f) {
    f("height", height, Limits::any(), "of it");
    f("width", width, Limits::any(), "of it");
  }
};
struct Stairs : Plan {
  int height = 3;
  std::vector<int> at = {1, 2};
  void fields(Fields& f) override {
    f("height", height, Limits::any(), "of a step");
    f("at", at, Limits::any(), "where");
  }
};
struct Ramp : Plan {
  int height = 7;
  void fields(Fields& f) override { f("height", height, Limits::any(), "of the end"); }
};
struct Fenced : Plan {
  Rail rail;
  void fields(Fields& f) override { f.section("rail", rail); }
};
struct Walled : Fenced {};
TEMPER_REGISTER(Plan, Flat_, "flat", "none");
TEMPER_REGISTER(Plan, Stairs, "stairs", "steps");
TEMPER_REGISTER(Plan, Ramp, "ramp", "a slope");
TEMPER_REGISTER(Plan, Fenced, "fenced", "with a rail");
TEMPER_REGISTER(Plan, Walled, "walled", "with another");

struct Read {
  std::string resolved;
  std::vector<std::string> warnings;
};

Read read(const Config& config) {
  Fields f(config);
  std::string name = "stairs";
  int color = 0;
  Registry<Plan>::instance().read(f, "plan", name,
                                  [&](Fields& sub) { sub("color", color, Limits::any(), "of any plan"); });
  f.finish();
  return {f.resolved()["plan"].yaml(), f.warnings()};
}

// `texts` laid over each other, the first at the bottom.
Config layers(const std::vector<std::string>& texts) {
  Config all = parse_config(texts.front(), "0.yaml");
  for (size_t i = 1; i < texts.size(); ++i) overlay(all, parse_config(texts[i], cat(i, ".yaml")));
  return all;
}

}  // namespace

TEST_CASE("config: another name begins its section anew, but for what every choice has", "[config]") {
  const Read r = read(layers({"plan: {name: stairs, height: 5, color: 2}", "plan: {name: ramp}"}));
  CHECK(r.resolved == "name: ramp\ncolor: 2\nheight: 7");
  CHECK(r.warnings ==
        std::vector<std::string>{"1.yaml line 1: plan.name: 'ramp' in place of 'stairs', so these keys of the "
                                 "base do not carry over: height"});
  CHECK(read(layers({"plan: {name: stairs, height: 5}", "plan: {name: flat}"})).resolved == "name: flat\ncolor: 0");
  const Read given = read(layers({"plan: {name: stairs, height: 5}", "plan: {name: ramp, height: 6, color: 1}"}));
  CHECK(given.resolved == "name: ramp\ncolor: 1\nheight: 6");
  CHECK(given.warnings.empty());
}

TEST_CASE("config: a section that both have begins anew too, and the keys that are gone are named", "[config]") {
  const Read r =
      read(layers({"plan: {name: fenced, rail: {height: 5, width: 6}}", "plan: {name: walled, rail: {width: 2}}"}));
  CHECK_THAT(r.resolved, ContainsSubstring("height: 1") && ContainsSubstring("width: 2"));
  REQUIRE(r.warnings.size() == 1);
  CHECK_THAT(r.warnings[0], ContainsSubstring("do not carry over: rail.height"));
}

TEST_CASE("config: the same name, or none, lays key over key", "[config]") {
  const std::string base = "plan: {name: stairs, height: 5, color: 2}";
  for (const char* over : {"plan: {at: [9]}", "plan: {name: stairs, at: [9]}"})
    CHECK(read(layers({base, over})).resolved == "name: stairs\ncolor: 2\nheight: 5\nat: [9]");
  CHECK(read(layers({base, "plan:\n"})).resolved == "name: stairs\ncolor: 2\nheight: 5\nat: [1, 2]");
}

TEST_CASE("config: a base without a name means the default", "[config]") {
  CHECK(read(layers({"plan: {height: 5, color: 4}", "plan: {name: ramp}"})).resolved ==
        "name: ramp\ncolor: 4\nheight: 7");
  const Read same = read(layers({"plan: {height: 5, at: [8]}", "plan: {name: stairs, height: 6}"}));
  CHECK(same.resolved == "name: stairs\ncolor: 0\nheight: 6\nat: [8]");
  CHECK(same.warnings.empty());
}

TEST_CASE("config: what every choice has carries over two changes", "[config]") {
  const Config config =
      layers({"plan: {name: stairs, color: 3, at: [1]}", "plan: {name: ramp, height: 2}", "plan: {name: stairs}"});
  CHECK(read(config).resolved == "name: stairs\ncolor: 3\nheight: 3\nat: [1, 2]");
  Config copy = config;
  apply_overrides(copy, {"plan.height=9"});
  CHECK(read(copy).resolved == "name: stairs\ncolor: 3\nheight: 9\nat: [1, 2]");
  CHECK(read(config).resolved == "name: stairs\ncolor: 3\nheight: 3\nat: [1, 2]");
}

TEST_CASE("config: an unknown key of the choice is still an error", "[config][errors]") {
  CHECK_THROWS_WITH(read(layers({"plan: {name: stairs}", "plan: {name: ramp, at: [1]}"})),
                    "1.yaml line 1: plan: unknown key 'at' (known: name, color, height)");
}

TEST_CASE("config: --set chooses first, whatever the order", "[config]") {
  const auto resolved = [](const std::vector<std::string>& set) {
    return read(parse_config("plan: {name: stairs, height: 5, at: [4]}", "t.yaml", set)).resolved;
  };
  CHECK(resolved({"plan.name=ramp"}) == "name: ramp\ncolor: 0\nheight: 7");
  CHECK(resolved({"plan.height=9", "plan.name=ramp"}) == "name: ramp\ncolor: 0\nheight: 9");
  CHECK(resolved({"plan={name: ramp, color: 1}"}) == "name: ramp\ncolor: 1\nheight: 7");
  CHECK(resolved({"plan.at.0=6"}) == "name: stairs\ncolor: 0\nheight: 5\nat: [6]");
  Config config = parse_config("plan: {name: stairs, height: 5}");
  put(config, "plan", "name", "ramp", "--plan");
  CHECK(read(config).resolved == "name: ramp\ncolor: 0\nheight: 7");
  put(config, "plan", "name", "rmap", "--plan");
  CHECK_THROWS_WITH(read(config), ContainsSubstring("--plan: plan.name: unknown name 'rmap'; did you mean 'ramp'?"));
}

TEST_CASE("config: changes put together are for whatever name they end with", "[config]") {
  Config change = parse_config("plan: {height: 8}", "all.yaml");
  join_changes(change, parse_config("plan: {name: ramp}", "row.yaml"));
  Config config = parse_config("plan: {name: stairs, height: 5}", "base.yaml");
  overlay(config, change);
  CHECK(read(config).resolved == "name: ramp\ncolor: 0\nheight: 8");
}

TEST_CASE("config: --set reaches into lists and empty sections", "[config][errors]") {
  const auto dump = [](const std::string& text, const std::vector<std::string>& set) {
    return parse_config(text, "t.yaml", set).root.yaml();
  };
  const std::string list = "layers: [{type: conv, name: c, out: 4}, {type: relu}]";
  CHECK(dump(list, {"layers.0.out=8"}) == "layers: [{type: conv, name: c, out: 8}, {type: relu}]");
  CHECK(dump(list, {"layers.1.name=r", "layers.0.name=d"}) ==
        "layers: [{type: conv, name: d, out: 4}, {type: relu, name: r}]");
  CHECK(dump("loop:\n", {"loop.epochs=2"}) == "loop:\n  epochs: 2");
  CHECK_THROWS_WITH(dump(list, {"layers.2.out=8"}),
                    "--set layers.2.out=8: 'layers' is a list of 2, whose items are called 0 to 1, got '2'");
  CHECK_THROWS_WITH(dump(list, {"layers.one.out=8"}), ContainsSubstring("whose items are called 0 to 1, got 'one'"));
  CHECK_THROWS_WITH(dump(list, {"layers.-1.out=8"}), ContainsSubstring("got '-1'"));
  CHECK_THROWS_WITH(dump("a: 1", {"a.b=8"}), "--set a.b=8: 'a' has no keys below it");
  CHECK_THROWS_WITH(dump("", {"a..b=8"}), ContainsSubstring("--set a..b=8: "));
}

TEST_CASE("config: an empty --set asks for a value", "[config][errors]") {
  for (const char* empty : {"seed=", "seed= "})
    CHECK_THROWS_WITH(parse_config("", "t", {empty}),
                      ContainsSubstring("expected a value after the =; an empty text is "
                                        "written seed=\"''\" in a shell"));
  CHECK(parse_config("", "t", {"path=''"}).root.yaml() != "");
  CHECK_THROWS_WITH(parse_config("", "t", {"seed=[1"}), ContainsSubstring("--set seed line 1: "));
}

}  // namespace temper
