// Help, version, describe, and what the command prints for a reader to go on with.
#include <csignal>

#include "tests/fixtures/catch.h"
#include "tests/fixtures/cli_fixture.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/temporary_folder.h"
#include "tests/fixtures/training_fixture.h"

namespace temper {

namespace {

using test::Ran;
using test::temper_command;

// The stripes under another name and with a key that they do not have; its test split may be read.
struct Shifted : DatasetReader {
  int64_t shift = 0;
  void fields(Fields& f) override { f("shift", shift, Limits::at_least(0), "pixels"); }
  ImageSet train() const override { return Registry<DatasetReader>::instance().make("test_stripes")->train(); }
  ImageSet test() const override { return train().subset({0, 1, 2, 3, 4, 5}); }
};
TEMPER_REGISTER(DatasetReader, Shifted, "test_shifted", "stripes, moved");

struct Plain : DatasetReader {
  std::string path;
  void fields(Fields& f) override { f("path", path, "of nothing"); }
  ImageSet train() const override { return Registry<DatasetReader>::instance().make("test_stripes")->train(); }
  ImageSet test() const override { return train().subset({0, 1, 2, 3, 4, 5, 6, 7}); }
};
TEMPER_REGISTER(DatasetReader, Plain, "test_plain", "stripes with a path");

// A shell's words.
std::vector<std::string> words(const std::string& line) {
  std::vector<std::string> out(1);
  bool inside = false;
  for (const char c : line) {
    if (c == '\'')
      inside = !inside;
    else if (c == ' ' && !inside)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

}  // namespace

TEST_CASE("help and --version are what they are elsewhere", "[app]") {
  CHECK(temper_command({"help"}).out == temper_command({"--help"}).out);
  CHECK(temper_command({"help"}).code == kExitOk);
  CHECK(temper_command({"help", "train"}).out == temper_command({"train", "--help"}).out);
  CHECK_THAT(temper_command({"help", "trian"}).err, ContainsSubstring("did you mean 'train'?"));
  const Ran version = temper_command({"--version"});
  CHECK(version.code == kExitOk);
  CHECK_THAT(version.out, ContainsSubstring("temper ") && ContainsSubstring("`temper version` says more"));
}

TEST_CASE("layers are described like everything that a configuration chooses", "[app]") {
  const std::string conv = temper_command({"describe", "conv"}).out;
  CHECK_THAT(conv, ContainsSubstring("conv (layer): ") && ContainsSubstring("keys of an item of `model.layers`"));
  for (const char* key : {"out", "size", "stride", "pad", "bias"})
    CHECK_THAT(conv, ContainsSubstring(cat("  ", key, ": ")));
  const std::string sequential = temper_command({"describe", "sequential"}).out;
  for (const char* layer : {"conv", "linear", "residual", "max_pool"})
    CHECK_THAT(sequential, ContainsSubstring(cat("\n", layer, " (layer): ")));
  CHECK_THAT(temper_command({"list", "layers"}).out, ContainsSubstring("  global_avg_pool  "));
}

TEST_CASE("errors never carry control sequences to a terminal", "[app]") {
  const Ran ran = temper_command({"describe", "a\x1b[31mb"});
  CHECK_THAT(ran.err, ContainsSubstring("a?[31mb"));
  CHECK(temper_command({"\x1b[2J"}).err.find('\x1b') == std::string::npos);
}

TEST_CASE("the command that an interrupted run prints finishes it", "[app]") {
  test::TemporaryFolder folder;
  test::write_file(folder.path() / "tiny.yaml", test::tiny_yaml(test::kPgdAt));
  const std::vector<std::string> train = {"train",        folder.file("tiny.yaml"),
                                          "--out",        folder.file("a run"),
                                          "--set",        "data={name: test_shifted, validation: 12}",
                                          "loop.epochs=2"};
  struct InterruptFirst : DatasetReader {
    ImageSet train() const override {
      static const int once = std::raise(SIGINT);  // a second one would end the process
      CHECK(once == 0);
      return test();
    }
    ImageSet test() const override { return Registry<DatasetReader>::instance().make("test_stripes")->train(); }
  };
  static const bool registered = Registry<DatasetReader>::instance().add("test_interrupted", "ends a run", [] {
    return std::unique_ptr<DatasetReader>(std::make_unique<InterruptFirst>());
  });
  REQUIRE(registered);
  std::vector<std::string> cut = train;
  cut[5] = "data={name: test_interrupted, validation: 12}";
  const Ran ran = temper_command(cut);
  REQUIRE(ran.code == kExitInterrupted);
  const std::string head = "continue with: ";
  const size_t at = ran.out.find(head);
  REQUIRE(at != std::string::npos);
  const std::string line = ran.out.substr(at + head.size(), ran.out.find('\n', at) - at - head.size());
  std::vector<std::string> expected = cut, printed = words(line);
  expected.insert(expected.begin(), "temper");
  expected.emplace_back("--resume");
  CHECK(printed == expected);
}

TEST_CASE("a run is measured on other data, whatever keys its own reader has", "[app]") {
  test::TemporaryFolder folder;
  test::write_file(folder.path() / "tiny.yaml", test::tiny_yaml(test::kPgdAt));
  const std::string run = folder.file("run");
  const Ran trained = temper_command({"train", folder.file("tiny.yaml"), "--out", run, "--set",
                                      "data={name: test_plain, path: here, validation: 12}", "loop.epochs=1",
                                      "evaluation.attacks.mine={name: pgd, radius: 0.02, step: 0.01, steps: 3}"});
  CHECK(trained.err == "");
  REQUIRE(trained.code == kExitOk);
  const Ran other = temper_command({"eval", run, "--data", "test_shifted", "--set", "data.shift=2"});
  CHECK(other.code == kExitOk);
  CHECK_THAT(other.out, ContainsSubstring("on test_shifted") && ContainsSubstring("6 test images"));
  CHECK_THAT(temper_command({"eval", run, "--data", "test_shifte"}).err,
             ContainsSubstring("--data: data.name: unknown name 'test_shifte'; did you mean 'test_shifted'?"));
  const Ran file = temper_command({"eval", "--model", run + "/config.yaml", "--weights",
                                   run + "/checkpoints/best.safetensors", "--data", "test_shifted"});
  CHECK(file.err == "");
  CHECK_THAT(file.out, ContainsSubstring("6 test images"));

  const Ran mine = temper_command({"eval", run, "--attack", "mine", "fgsm"});
  CHECK(mine.err == "");
  CHECK_THAT(mine.out, ContainsSubstring("0.020000") && ContainsSubstring("fgsm"));
  CHECK_THAT(temper_command({"eval", run, "--attack", "fgms"}).err,
             ContainsSubstring("--attack fgms: evaluation.attacks.fgms.name: unknown name 'fgms'; did you mean"));
}

TEST_CASE("train says which keys of a base do not carry over", "[app]") {
  test::TemporaryFolder folder;
  test::write_file(folder.path() / "tiny.yaml", test::tiny_yaml(test::kPgdAt));
  test::write_file(folder.path() / "child.yaml",
                   "base: tiny.yaml\ntrainer: {name: standard}\ndata: {name: test_plain}\n");
  const Ran ran =
      temper_command({"train", folder.file("child.yaml"), "--out", folder.file("run"), "--set", "loop.epochs=1"});
  CHECK(ran.code == kExitOk);
  CHECK_THAT(ran.err,
             ContainsSubstring("child.yaml line 2: trainer.name: 'standard' in place of 'pgd_at', so these keys of "
                               "the base do not carry over: attack_bn, attack"));
  CHECK_THAT(ran.out, ContainsSubstring("12 more for validation"));  // data.validation carries over
}

}  // namespace temper
