// What a configuration file may be, and what is said of one that is not.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "core/config/config.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/temporary_folder.h"

namespace temper {

namespace {

struct Folder : test::TemporaryFolder {
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path() / name) << text;
    return file(name);
  }
  std::string fault(const std::string& name, const std::string& text) const { return fault(write(name, text)); }
  static std::string fault(const std::string& file) {
    try {
      load_config(file);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }
};

std::string dump(const Config& config) { return config.root.yaml(); }

}  // namespace

TEST_CASE("config: a base that leads back is refused with the way it leads", "[config][errors]") {
  const Folder f;
  f.write("self.yaml", "seed: 1\nbase: self.yaml\n");
  CHECK_THAT(f.fault(f.file("self.yaml")),
             ContainsSubstring("self.yaml line 2: base: self.yaml leads back to a file that builds on it: "));
  f.write("a.yaml", "base: sub/b.yaml\n");
  std::filesystem::create_directories(f.path() / "sub");
  f.write("sub/b.yaml", "base: ../a.yaml\n");
  CHECK_THAT(f.fault(f.file("a.yaml")), ContainsSubstring("b.yaml line 1: base: ../a.yaml leads back") &&
                                            ContainsSubstring("a.yaml -> ") && ContainsSubstring("sub/b.yaml -> "));
  std::filesystem::create_symlink(f.file("link.yaml"), f.path() / "other.yaml");
  f.write("link.yaml", "base: other.yaml\n");
  CHECK_THAT(f.fault(f.file("link.yaml")), ContainsSubstring("leads back"));
}

TEST_CASE("config: a long chain of bases is refused", "[config][errors]") {
  const Folder f;
  for (int i = 0; i < 40; ++i) f.write(cat(i, ".yaml"), cat("base: ", i + 1, ".yaml\n"));
  f.write("40.yaml", "seed: 3\n");
  CHECK_THAT(f.fault(f.file("0.yaml")), ContainsSubstring("more than 32 files build on each other"));
  CHECK(dump(load_config(f.file("20.yaml"))) == "seed: 3");
}

TEST_CASE("config: what is no file says so, and who asked for it", "[config][errors]") {
  const Folder f;
  CHECK(f.fault(f.file("none.yaml")) == f.file("none.yaml") + ": cannot be read; is the path right?");
  CHECK(f.fault(f.path().string()) == f.path().string() + ": is a folder; expected a YAML file");
  f.write("config.yaml", "seed: 1\n");
  CHECK(f.fault(f.path().string()) ==
        f.path().string() + ": is a folder; expected a YAML file, such as " + f.file("config.yaml"));
  CHECK(f.fault("/dev/zero") == "/dev/zero: is a device or a pipe; expected a YAML file");
  REQUIRE(::mkfifo(f.file("pipe").c_str(), 0600) == 0);
  CHECK_THAT(f.fault(f.file("pipe")), ContainsSubstring("is a device or a pipe"));
  CHECK(f.fault("child.yaml", "seed: 1\nbase: /dev/zero\n") ==
        f.file("child.yaml") + " line 2: base: /dev/zero: is a device or a pipe; expected a YAML file");
  CHECK_THAT(f.fault("child.yaml", "base: pipe\n"), ContainsSubstring("child.yaml line 1: base: "));
  CHECK_THAT(f.fault("child.yaml", "base: .\n"), ContainsSubstring("is a folder"));
  CHECK_THAT(f.fault("child.yaml", "base: [a]\n"), ContainsSubstring("line 1: base: expected the name of a file"));
  CHECK_THAT(f.fault("child.yaml", "base:\n"), ContainsSubstring("line 1: base: expected the name of a file"));
  CHECK_THAT(f.fault("child.yaml", "base: none.yaml\n"), ContainsSubstring("none.yaml: cannot be read"));
  CHECK_THAT(f.fault("large.yaml", std::string((1 << 20) + 1, '#')), ContainsSubstring("is larger than 1 MiB"));
}

TEST_CASE("config: a file is one document", "[config][errors]") {
  const Folder f;
  CHECK(f.fault("two.yaml", "seed: 1\n---\nseed: 5\n") ==
        f.file("two.yaml") +
            " line 2: a second YAML document begins here; expected one, so put it into another file or remove `---`");
  CHECK_THAT(f.fault("two.yaml", "---\n# nothing\n---\nseed: 5\n"), ContainsSubstring("a second YAML document"));
  CHECK_THAT(f.fault("two.yaml", "seed: 1\n---\n---\nseed: 5\n"), ContainsSubstring("a second YAML document"));
  for (const char* one : {"---\nseed: 5\n", "seed: 5\n...\n", "%YAML 1.2\n---\nseed: 5\n---\n"})
    CHECK(dump(parse_config(one)) == "seed: 5");
  CHECK_THROWS_WITH(parse_config("", "t", {"seed=1\n---\n2"}), ContainsSubstring("a second YAML document"));
}

TEST_CASE("config: aliases are written out, and what never ends is refused", "[config][errors]") {
  Config twice = parse_config("a: &x {b: 1}\nc: *x\n", "t", {"c.b=2"});
  CHECK(dump(twice) == "a: {b: 1}\nc: {b: 2}");
  const Folder f;
  CHECK(f.fault("x.yaml", "model: &x\n  name: *x\n") ==
        f.file("x.yaml") + " line 1: an alias inside its own anchor never ends; write the value out");
  for (const char* cycle : {"a: &x {b: *x}\n", "a: &x [*x]\n", "a: &x {b: {c: [1, *x]}}\n", "a: &x {<<: *x}\n"})
    CHECK_THAT(f.fault("x.yaml", cycle), ContainsSubstring("an alias inside its own anchor"));
  CHECK_THROWS_WITH(parse_config("", "t", {"a=&x [*x]"}), ContainsSubstring("--set a line 1: an alias inside"));
  std::string laughs = "l0: &l0 {x: 1, y: 2}\n";
  for (int i = 1; i < 12; ++i) {
    laughs += cat("l", i, ": &l", i, " {");
    for (int k = 0; k < 9; ++k) laughs += cat(k ? ", " : "", "k", k, ": *l", i - 1);
    laughs += "}\n";
  }
  CHECK_THAT(f.fault("laughs.yaml", laughs), ContainsSubstring("laughs.yaml: has more than 10000 values"));
  std::string merges = laughs;
  for (size_t at = 0; (at = merges.find("k0: *", at)) != std::string::npos; ++at) merges.replace(at, 2, "<<");
  CHECK_THAT(f.fault("laughs.yaml", merges), ContainsSubstring("has more than 10000 values"));
}

TEST_CASE("config: merge keys bring the keys that are not given", "[config]") {
  CHECK(dump(parse_config("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n")) == "a: {p: 1, q: 2}\nb: {q: 3, p: 1}");
  CHECK(dump(parse_config("a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y], r: 3}\n")) ==
        "a: {p: 1}\nb: {p: 2, q: 2}\nc: {r: 3, p: 1, q: 2}");
  CHECK_THROWS_WITH(parse_config("a: {<<: 3}\n", "t.yaml"),
                    "t.yaml line 1: << expects an alias of a section, or a list "
                    "of them");
}

TEST_CASE("config: depth, keys and tags", "[config][errors]") {
  const Folder f;
  for (const size_t deep : {100u, 100'000u}) {
    CHECK_THAT(f.fault("d.yaml", "a: " + std::string(deep, '[') + std::string(deep, ']')), ContainsSubstring("d.yaml"));
    CHECK_THAT(f.fault("d.yaml", std::string(deep, '{')), ContainsSubstring("d.yaml"));
  }
  std::string sections = "a:";
  for (int i = 1; i < 80; ++i) sections += "\n" + std::string(static_cast<size_t>(i), ' ') + "b:";
  CHECK_THAT(f.fault("d.yaml", sections + " 1\n"), ContainsSubstring("more than 64 levels deep"));
  for (const char* text : {"[a, b]: 1\n", "? [1, 2]\n: 3\n", "evaluation:\n  attacks:\n    {a: 1}: {name: pgd}\n"})
    CHECK_THAT(f.fault("k.yaml", text),
               ContainsSubstring("expected a key, such as `seed: 1`, got a list or a section"));
  CHECK_THAT(f.fault("k.yaml", "seed: 1\n: 3\n"), ContainsSubstring("k.yaml line 2: expected a key"));
  CHECK_THAT(f.fault("t.yaml", "seed: !include other.yaml\n"),
             ContainsSubstring("t.yaml line 1: the tag !include means nothing here"));
  CHECK(dump(parse_config("seed: !!int 3\n")) != "");
}

TEST_CASE("config: what cannot be parsed names file and line", "[config][errors]") {
  const Folder f;
  for (const char* text : {"a: [1\n", "a: *none\n", "a: 1\n b: 2\n", "\ta: 1\n", "a: {b: 1\n"})
    CHECK_THAT(f.fault("bad.yaml", text), ContainsSubstring("bad.yaml line "));
  for (const char* text : {"a: 1\n]\n", "a: 1\n}\nb: 2\n", "a: {b: 1}}\n", "a: [1]]\n", "]", ",", "a: 1\n, b\n"})
    CHECK_THAT(f.fault("bad.yaml", text), ContainsSubstring("bad.yaml"));  // and not for ever
  CHECK_THAT(f.fault("bad.yaml", std::string("\0\1\2\xff", 4)), ContainsSubstring("bad.yaml"));
}

}  // namespace temper
