#include "core/config/node.h"

#include "core/config/config.h"
#include "tests/fixtures/catch.h"

using namespace temper;

TEST_CASE("config node: a section keeps its keys in the order in which they came", "[config]") {
  ConfigNode n;
  CHECK(n.is_nothing());
  n["b"] = "1";
  n["a"]["x"] = "two words";
  n["b"] = "3";
  CHECK(n.is_section());
  CHECK(n.yaml() == "b: 3\na:\n  x: two words");
  CHECK(n.find("c") == nullptr);
  CHECK(n.find("a")->find("x")->text() == "two words");
  n.erase("b");
  CHECK(n.yaml() == "a:\n  x: two words");
}

TEST_CASE("config node: to read a key that is not there gives nothing, and adds nothing", "[config]") {
  const ConfigNode n = parse_config("a: {x: 1}").root;
  CHECK(n["a"]["y"].is_nothing());
  CHECK(n["b"]["y"]["z"].is_nothing());
  CHECK(n.yaml() == "a: {x: 1}");
}

TEST_CASE("config node: a copy shares nothing", "[config]") {
  ConfigNode n = parse_config("a: {x: 1}").root;
  ConfigNode copy = n;
  copy["a"]["x"] = "2";
  CHECK(n["a"]["x"].text() == "1");
  CHECK(copy["a"]["x"].text() == "2");
}

TEST_CASE("config node: a text and a list take no keys", "[config][errors]") {
  ConfigNode n = parse_config("a: text\nb: [1]").root;
  CHECK_THROWS_WITH(n["a"]["x"], "ConfigNode: expected a section to put the key 'x' into, got a text");
  CHECK_THROWS_WITH(n["b"]["x"], "ConfigNode: expected a section to put the key 'x' into, got a list");
}

TEST_CASE("config node: YAML reads back as what it was written from", "[config]") {
  const std::string text =
      "empty: ~\ntext: \"null\"\nblank: \"\"\nlines: \"two\\nlines\"\nlist: [1, [2, 3], {x: 4}]\nsections:\n"
      "  - name: a\n    of: {x: 1}\n  - {}\nnone: []";
  const ConfigNode n = parse_config(text).root;
  CHECK(n.yaml() == text);
  CHECK(n["empty"].is_nothing());
  CHECK(n["text"].is_text());
  CHECK(n["lines"].text() == "two\nlines");
  CHECK(n["list"].items()[1].items()[0].text() == "2");
  CHECK(n["sections"].items()[1].is_section());
}

TEST_CASE("config node: flattened, a list is one value", "[config]") {
  const FlatYaml flat = flattened(parse_config("a: {x: 1, y: {z: text}}\nb:\n  - 1\n  - {x: 2}\nc:").root);
  CHECK(flat == FlatYaml{{"a.x", "1"}, {"a.y.z", "text"}, {"b", "[1, {x: 2}]"}, {"c", "~"}});
}
