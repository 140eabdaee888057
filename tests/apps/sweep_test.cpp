#include <csignal>

#include "core/files/json.h"
#include "source_dir.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/cli_fixture.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/training_fixture.h"
#include "workflows/sweep_file.h"

namespace temper {

namespace {

using test::Ran;
using test::slurp;
using test::temper_command;

int signal_in = -1;  // calls of the attack below until it raises SIGINT; negative: never

// Leaves the images as they are.
struct SignalAttack : Attack {
  AttackResult run(const AttackCall& call) const override {
    if (signal_in >= 0 && signal_in-- == 0) std::raise(SIGINT);
    return {.images = call.batch.images};
  }
  std::string describe() const override { return "test_signal()"; }
};

// Two methods, one of them in two variants, on stripes.
std::string write_sweep(const test::TemporaryFolder& folder, const std::string& more = "") {
  test::write_file(folder.path() / "standard.yaml", test::tiny_yaml("{name: standard}"));
  test::write_file(folder.path() / "pgd_at.yaml", test::tiny_yaml(test::kPgdAt));
  const std::string file = folder.file("table.yaml");
  test::write_file(file,
                   "title: Stripes\nseeds: [3, 4]\n"
                   "set:\n"
                   "  data: {name: test_testable}\n"
                   "  loop: {epochs: 1}\n"
                   "  evaluation:\n"
                   "    validation: {name: test_signal}\n"
                   "    attacks: {cw: {name: test_signal}}\n"
                   "runs:\n"
                   "  - {config: standard.yaml}\n"
                   "  - {label: PGD-AT, config: pgd_at.yaml}\n"
                   "  - {label: PGD-AT 1 step, config: pgd_at.yaml, set: {trainer: {attack: {steps: 1}}}}\n" +
                       more);
  // The attack stands in for the ones of the files, whose keys it does not have.
  for (const char* name : {"standard.yaml", "pgd_at.yaml"}) {
    std::string text = slurp(folder.path() / name);
    const size_t at = text.find(", validation: {name: pgd, radius: 0.05, step: 0.02, steps: 2}");
    test::write_file(folder.path() / name, text.substr(0, at) + "}\n");
  }
  return file;
}

}  // namespace

TEMPER_REGISTER(Attack, SignalAttack, "test_signal", "for tests");

TEST_CASE("sweep: every row with every seed, each with its own settings", "[app]") {
  const test::TemporaryFolder folder;
  const Sweep s = read_sweep(write_sweep(folder), {}, "out");
  CHECK(s.title == "Stripes");
  CHECK(s.labels == std::vector<std::string>{"standard", "PGD-AT", "PGD-AT 1 step"});
  REQUIRE(s.runs.size() == 6);
  CHECK(s.runs[1].seed == 3);
  CHECK(s.runs[4].seed == 4);
  CHECK(s.runs[4].experiment.seed == 4);
  CHECK(s.runs[2].folder.root == "out/pgd_at_1_step/seed_3");
  CHECK(s.runs[1].experiment.resolved["trainer"]["attack"]["steps"].text() == "2");
  CHECK(s.runs[2].experiment.resolved["trainer"]["attack"]["steps"].text() == "1");
  for (const SweepRun& r : s.runs) CHECK(r.experiment.loop.epochs == 1);
}

TEST_CASE("sweep: an interrupted one goes on where it stopped and ends with a table", "[app]") {
  const test::TemporaryFolder folder, whole;
  const std::vector<std::string> command = {"sweep", write_sweep(folder), "--out", folder.file("out")};
  const auto interrupted_after = [&](int calls) {
    signal_in = calls;
    const Ran ran = temper_command(command);
    signal_in = -1;
    CHECK(ran.err == "");
    CHECK(ran.code == kExitInterrupted);
    CHECK_THAT(ran.out, ContainsSubstring("interrupted; continue with: temper sweep "));
  };
  interrupted_after(0);  // in the validation of the first run
  CHECK_FALSE(std::filesystem::exists(folder.path() / "out/standard/seed_3/evaluation.json"));
  interrupted_after(3);  // in its test: two batches of validation, one of the test attack before this one
  CHECK_FALSE(std::filesystem::exists(folder.path() / "out/standard/seed_3/evaluation.json"));
  const Ran dry = temper_command({"sweep", command[1], "--out", command[3], "--dry-run"});
  CHECK_THAT(dry.out, ContainsSubstring("to continue  standard, seed 3") &&
                          ContainsSubstring("6 runs: 5 to train 1 to continue"));

  const Ran rest = temper_command(command);
  CHECK(rest.err == "");
  REQUIRE(rest.code == kExitOk);
  CHECK_THAT(rest.out, ContainsSubstring("[1/6] standard, seed 3: to continue"));
  CHECK_THAT(rest.out, ContainsSubstring("method") && ContainsSubstring("PGD-AT 1 step") && ContainsSubstring("+-"));
  std::vector<std::string> uncut = command;
  uncut[3] = whole.file("out");
  REQUIRE(temper_command(uncut).code == kExitOk);
  for (const char* file : {"table.md", "table.csv", "table.tex", "table.json"}) {
    CHECK(slurp(folder.path() / "out" / file) != "");
    CHECK(slurp(folder.path() / "out" / file) == slurp(whole.path() / "out" / file));
  }
  const auto j = parse_json(slurp(folder.file("out/table.json")));
  REQUIRE(j["rows"].size() == 3);
  const auto run = parse_json(slurp(folder.file("out/pgd_at/seed_4/evaluation.json")));
  CHECK(j["rows"][1]["label"] == "PGD-AT");
  CHECK(j["rows"][1]["clean"]["values"][1] == run["rows"][0]["percent"]);
  CHECK(j["rows"][1]["nrr"]["values"][1] == run["nrr"]);

  const Ran again = temper_command(command);
  CHECK(again.code == kExitOk);
  CHECK_THAT(again.out, ContainsSubstring("[6/6] PGD-AT 1 step, seed 4: complete"));
  CHECK(again.out.find("epoch") == std::string::npos);
  std::vector<std::string> changed = command;
  changed.insert(changed.end(), {"--set", "set.optimizer.lr=0.5"});
  const Ran refused = temper_command(changed);
  CHECK(refused.code == kExitError);
  CHECK_THAT(refused.err, ContainsSubstring("optimizer.lr: 0.05 -> 0.5"));
}

TEST_CASE("sweep: a run that fails leaves the others and the table, which says that it is missing", "[app]") {
  const test::TemporaryFolder folder;
  const std::string more = "  - {label: wild, config: standard.yaml, set: {optimizer: {lr: 1e30, weight_decay: 0}}}\n";
  const std::vector<std::string> command = {"sweep", write_sweep(folder, more), "--out", folder.file("out")};
  const Ran ran = temper_command(command);
  CHECK(ran.code == kExitError);
  CHECK_THAT(ran.err, ContainsSubstring("temper: error: wild, seed 3: training: the ") &&
                          ContainsSubstring("temper: error: 2 of 8 runs failed") &&
                          ContainsSubstring("warning: Without results, and so not in the table: wild (seeds 3, 4)."));
  CHECK_THAT(slurp(folder.file("out/table.md")),
             ContainsSubstring("| wild | - |") && ContainsSubstring("wild (seeds 3, 4)"));
  const auto j = parse_json(slurp(folder.file("out/table.json")));
  REQUIRE(j["rows"].size() == 4);
  CHECK(j["rows"][0]["clean"]["n"] == 2);
}

TEST_CASE("sweep: finished runs are used again where they are what is asked for, and refused on other data", "[app]") {
  const test::TemporaryFolder folder;
  const std::vector<std::string> command = {"sweep", write_sweep(folder), "--out", folder.file("out"),
                                            "--set", "seeds=[3]"};
  REQUIRE(temper_command(command).code == kExitOk);
  // Written before a key was there.
  const auto config = folder.path() / "out/pgd_at/seed_3/config.yaml";
  ConfigNode keys = load_config(config.string()).root;
  keys.erase("exact");
  keys["optimizer"].erase("nesterov");
  test::write_file(config, keys.yaml() + "\n");
  const Ran again = temper_command(command);
  CHECK(again.code == kExitOk);
  CHECK_THAT(again.out, ContainsSubstring("[2/3] PGD-AT, seed 3: complete"));

  const auto refused_with = [&](const char* of, const char* key) {
    const auto file = folder.path() / "out/pgd_at/seed_3/evaluation.json";
    const std::string before = slurp(file);
    auto j = parse_json<nlohmann::ordered_json>(before);
    (std::string(key).empty() ? j[of] : j[of][key]) = "0123";
    test::write_file(file, j.dump());
    const Ran ran = temper_command(command);
    CHECK(ran.code == kExitError);
    CHECK(ran.out.find("[1/3]") == std::string::npos);  // before anything runs
    test::write_file(file, before);
    return ran.err;
  };
  CHECK_THAT(
      refused_with("test", "images"),
      ContainsSubstring("out/pgd_at/seed_3: this run was made with other data than there are now:\n  test images: "
                        "other pixels: 0123 -> "));
  CHECK_THAT(refused_with("train", "labels"), ContainsSubstring("training images: other labels: 0123 -> "));
  CHECK_THAT(refused_with("weights_fingerprint", ""), ContainsSubstring("weights of the last checkpoint: 0123 -> "));
}

TEST_CASE("sweep: one label for attacks of other parameters makes a column for each", "[app]") {
  const test::TemporaryFolder folder;
  test::write_file(folder.path() / "standard.yaml", test::tiny_yaml("{name: standard}"));
  const std::string file = folder.file("table.yaml");
  const auto row = [](const std::string& label, const std::string& radius) {
    return "  - {label: " + label + ", config: standard.yaml, set: {evaluation: {attacks: {pgd: {radius: " + radius +
           ", step: 0.01, steps: 2}}}}}\n";
  };
  test::write_file(file, "seeds: [0]\nset: {data: {name: test_testable}, loop: {epochs: 1}}\nruns:\n" +
                             row("weak", "0.02") + row("strong", "0.2"));
  const Ran ran = temper_command({"sweep", file, "--out", folder.file("out")});
  CHECK(ran.code == kExitOk);
  CHECK_THAT(ran.err, ContainsSubstring("warning: Measured in different ways"));
  CHECK_THAT(slurp(folder.file("out/table.md")),
             ContainsSubstring("| method | Natural | pgd (radius 0.02) | pgd (radius 0.2) |\n"));
}

TEST_CASE("sweep: what is wrong is named with its place before anything runs", "[app][errors]") {
  const test::TemporaryFolder folder;
  const auto error = [&](const std::string& more, const std::vector<std::string>& set = {}) {
    std::vector<std::string> args = {"sweep", write_sweep(folder, more), "--out", folder.file("out")};
    if (!set.empty()) args.push_back("--set");
    args.insert(args.end(), set.begin(), set.end());
    const Ran ran = temper_command(args);
    CHECK(ran.code == kExitError);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "out"));
    return ran.err;
  };
  CHECK_THAT(error("  - {label: x, config: pgd_at.yaml, set: {trainer: {atack: {}}}}\n"),
             ContainsSubstring("table.yaml line 13: trainer: unknown key 'atack'; did you mean 'attack'?"));
  CHECK_THAT(error("  - {config: none.yaml}\n"), ContainsSubstring("none.yaml: cannot be read"));
  CHECK_THAT(error("  - {lable: x}\n"),
             ContainsSubstring("table.yaml line 13: runs.3: unknown key 'lable'; did you mean 'label'?"));
  CHECK_THAT(error("  - {label: x}\n"),
             ContainsSubstring("table.yaml line 13: runs.3: expected `config`, the YAML file of an experiment"));
  CHECK_THAT(error("  - {label: pgd at, config: pgd_at.yaml}\n"),
             ContainsSubstring("a row called 'pgd at' is in the list already"));
  CHECK_THAT(error("  - {label: s, config: pgd_at.yaml, set: {seed: 1}}\n"),
             ContainsSubstring("the seed is what `seeds` lists"));
  CHECK_THAT(error("", {"seeds=[1, 1]"}), ContainsSubstring("seeds: expected different ones"));
  CHECK_THAT(error("", {"seeds=[]"}), ContainsSubstring("seeds: expected at least one"));
  CHECK_THAT(error("", {"runs=[]"}), ContainsSubstring("expected at least one row"));
  CHECK_THAT(error("sedes: [1]\n"), ContainsSubstring("unknown key 'sedes'; did you mean 'seeds'?"));
}

TEST_CASE("sweep: what would stop a later run is found before the first", "[app][errors]") {
  const test::TemporaryFolder folder;
  const auto refused = [&](const std::string& set) {
    const Ran ran =
        temper_command({"sweep", write_sweep(folder, "  - {label: last, config: pgd_at.yaml, set: " + set + "}\n"),
                        "--out", folder.file("out")});
    CHECK(ran.code == kExitError);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "out"));
    return ran.err;
  };
  CHECK_THAT(refused("{data: {name: test_unfit, fault: sizes}}"),
             ContainsSubstring("last, seed 3: data: test split: expected images of 8 x 8 x 1"));
  CHECK_THAT(refused("{data: {name: npz, path: none.npz}}"), ContainsSubstring("last, seed 3: none.npz"));
  CHECK_THAT(refused("{model: {weights: none.safetensors}}"), ContainsSubstring("last, seed 3: none.safetensors"));
  CHECK_THAT(refused("{optimizer: {no_decay: [none]}}"), ContainsSubstring("no parameter matches 'none'"));
  CHECK_THAT(refused("{loop: {batch_size: 47}}"), ContainsSubstring("last batch of one"));
}

TEST_CASE("sweep: a row may start from the weights that another will leave", "[app]") {
  const test::TemporaryFolder folder;
  const std::string out = folder.file("out"),
                    file = write_sweep(folder, "  - {label: last, config: pgd_at.yaml, set: {model: {weights: " + out +
                                                   "/standard/seed_3/checkpoints/last.safetensors}}}\n");
  CHECK(temper_command({"sweep", file, "--out", out, "--set", "seeds=[3]"}).code == kExitOk);
}

TEST_CASE("sweep: a row may learn from a teacher that another row will leave; other missing files are refused",
          "[app]") {
  const test::TemporaryFolder folder;
  const std::string out = folder.file("out");
  const auto sweep = [&](const std::string& weights) {
    const std::string set = "{trainer: {name: ard, teacher: {model: {name: test_net}, weights: " + weights +
                            "}, attack: {radius: 0.05, step: 0.02, steps: 2}}}";
    return temper_command({"sweep", write_sweep(folder, "  - {label: last, config: pgd_at.yaml, set: " + set + "}\n"),
                           "--out", out, "--set", "seeds=[3]"});
  };
  const Ran refused = sweep("none.safetensors");
  CHECK(refused.code == kExitError);
  CHECK_THAT(refused.err,
             ContainsSubstring("last, seed 3: trainer.teacher.weights: expected a safetensors or npz file"));
  CHECK(sweep(out + "/standard/seed_3/checkpoints/last.safetensors").code == kExitOk);
}

TEST_CASE("sweep: the tables in configs/ are complete experiments", "[app]") {
  for (const char* file : {"tiny/table.yaml"}) {
    const Ran ran = temper_command({"sweep", cat(TEMPER_SOURCE_DIR, "/configs/", file), "--dry-run"});
    CHECK(ran.err == "");
    CHECK(ran.code == kExitOk);
  }
}

}  // namespace temper
