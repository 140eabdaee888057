#include "core/files/json.h"

#include "apps/kinds.h"
#include "core/convolution/conv.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/cli_fixture.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/temporary_folder.h"
#include "tests/fixtures/training_fixture.h"
#include "tests/fixtures/xml_check.h"
#include "trainers/records/run_lock.h"

namespace temper {

namespace {

using test::Ran;
using test::slurp;
using test::temper_command;

// Stripes with a test split that does not go with the training images.
struct Unfit : DatasetReader {
  std::string fault;
  void fields(Fields& f) override { f("fault", fault, "labels, channels, sizes or empty"); }
  ImageSet train() const override { return Registry<DatasetReader>::instance().make("test_stripes")->train(); }
  ImageSet test() const override {
    ImageSet set = fault == "empty" ? train().subset({}) : train().subset({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    if (fault == "labels") set.labels[3] = 7;
    if (fault == "channels") set.height /= 2, set.channels *= 2;
    if (fault == "sizes") set.height /= 2, set.width *= 2;
    return set;
  }
};

}  // namespace

TEMPER_REGISTER(DatasetReader, Unfit, "test_unfit", "stripes with a test split of another kind");

TEST_CASE("Help names every command, its options and the exit codes", "[app]") {
  const Ran all = temper_command({"--help"});
  CHECK(all.code == kExitOk);
  for (const char* word :
       {"train", "eval", "data", "describe", "list", "report", "sweep", "version", "Exit codes", "75"})
    CHECK_THAT(all.out, ContainsSubstring(word));
  for (const char* command : {"train", "eval", "audit", "describe", "list", "report", "sweep", "version"}) {
    const Ran one = temper_command({command, "--help"});
    CHECK(one.code == kExitOk);
    CHECK_THAT(one.out, ContainsSubstring("Exit codes") && ContainsSubstring(std::string("Usage: temper ") + command));
    CHECK(one.err == "");
  }
  CHECK_THAT(temper_command({"train", "--help"}).out, ContainsSubstring("--resume"));
  CHECK_THAT(temper_command({"eval", "--help"}).out, ContainsSubstring("--limit"));
}

TEST_CASE("Wrong use of the command line ends with 2 and says what was meant", "[app]") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{"trian"}, "unknown command 'trian'; did you mean 'train'?"},
      {{"list", "--kidn"}, "unknown option '--kidn'"},
      {{"train", "x.yaml", "--resmue"}, "unknown option '--resmue'; did you mean '--resume'?"},
      {{"train"}, "config is required"},
      {{"train", "--set"}, "--set"},
      {{"audit", "speed", "runs/x"}, "audit: unknown subject 'speed'"},
      {{"audit", "stpes"}, "did you mean 'steps'?"},
      {{"audit", "steps", "--agianst", "x"}, "unknown option '--agianst'; did you mean '--against'?"},
      {{"eval"}, "expected either a run folder, or --model, --weights and --data"},
      {{"eval", "--model", "small_cnn"}, "--model needs --weights FILE and --data NAME"},
      {{"eval", "runs/x", "--limit", "-3"}, "--limit"},
      {{"describe"}, "expected a name"},
      {{"report"}, "run"}};
  for (const auto& [args, text] : wrong) {
    const Ran ran = temper_command(args);
    CAPTURE(args);
    CHECK(ran.code == kExitUsage);
    CHECK(ran.out == "");
    CHECK_THAT(ran.err, ContainsSubstring("temper: error: "));
    CHECK_THAT(ran.err, ContainsSubstring(text));
    CHECK_THAT(ran.err, ContainsSubstring("--help`."));
  }
  CHECK(temper_command({}).code == kExitUsage);
  CHECK_THAT(temper_command({}).err, ContainsSubstring("describe"));
}

TEST_CASE("What cannot be done ends with 1 and one line", "[app]") {
  test::TemporaryFolder folder;
  test::write_file(folder.path() / "bad.yaml", "trainer:\n  name: pgd_at\n  attack:\n    raduis: 0.1\n");
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{"train", folder.file("none.yaml")}, "none.yaml: cannot be read"},
      {{"train", folder.file("bad.yaml")},
       "bad.yaml line 4: trainer.attack: unknown key 'raduis'; did you mean 'radius'?"},
      {{"train", folder.file("bad.yaml"), "--set", "loop"}, "--set loop: expected key=value"},
      {{"eval", folder.file("none")}, "holds no run"},
      {{"audit", "precision", folder.file("none")}, "holds no run"},
      {{"report", folder.file("none")}, "no such run folder"},
      {{"describe", "tradse"}, "unknown name 'tradse'; did you mean 'trades'?"},
      {{"list", "atacks"}, "unknown kind 'atacks'; did you mean 'attacks'?"}};
  for (const auto& [args, text] : wrong) {
    const Ran ran = temper_command(args);
    CAPTURE(args);
    CHECK(ran.code == kExitError);
    CHECK(ran.err.rfind("temper: error: ", 0) == 0);
    CHECK_THAT(ran.err, ContainsSubstring(text));
  }
}

TEST_CASE("version prints valid JSON with commit, machine and libraries", "[app]") {
  const Ran json = temper_command({"version", "--json"});
  CHECK(json.code == kExitOk);
  const auto j = parse_json(json.out);
  for (const char* key : {"version", "commit", "compiler", "cpu", "cpu_features", "threads", "libraries", "cuda"})
    CHECK(j.contains(key));
  const Ran text = temper_command({"version"});
  CHECK_THAT(text.out, ContainsSubstring(j["version"].get<std::string>()));
  CHECK_THAT(text.out, ContainsSubstring("cpu features:"));
}

TEST_CASE("list and describe know everything that is registered", "[app]") {
  const std::string all = temper_command({"list"}).out;
  for (const Kind& kind : kinds()) {
    CHECK(!kind.members().empty());
    const std::string some = temper_command({"list", kind.section == "data" ? "data" : kind.plural}).out;
    for (const auto& [name, doc] : kind.members()) {
      CHECK_THAT(all, ContainsSubstring("  " + name));
      CHECK_THAT(some, ContainsSubstring("  " + name));
      const Ran described = temper_command({"describe", name});
      CHECK(described.code == kExitOk);
      CHECK_THAT(described.out, ContainsSubstring(name + " (" + kind.name + ")"));
      for (const FieldDoc& f : kind.fields(name)) {
        CHECK_THAT(described.out, ContainsSubstring(f.key + ": " + f.value));
        CHECK(!f.doc.empty());
      }
    }
  }
}

TEST_CASE("describe experiment lists every key with its default", "[app]") {
  const std::string text = temper_command({"describe", "experiment"}).out;
  for (const char* key : {"seed", "device", "loop.epochs", "optimizer.lr", "trainer.name", "evaluation.batch_size"})
    CHECK_THAT(text, ContainsSubstring(std::string("  ") + key + ": "));
}

TEST_CASE("describe --markdown is a page with every key of every member", "[app]") {
  const Ran page = temper_command({"describe", "--markdown"});
  CHECK(page.code == kExitOk);
  CHECK_THAT(page.out, ContainsSubstring("| `loop.epochs` | whole number, "));
  for (const Kind& kind : kinds())
    for (const auto& [name, doc] : kind.members())
      CHECK_THAT(page.out, ContainsSubstring("\n### " + name + "\n\n" + doc));
}

TEST_CASE("data lists, inspects and names what is wrong", "[app]") {
  CHECK_THAT(temper_command({"data", "list"}).out, ContainsSubstring("fashion_mnist_small"));
  const Ran info = temper_command({"data", "info", "fashion_mnist_small"});
  CHECK(info.code == kExitOk);
  CHECK_THAT(info.out, ContainsSubstring("train: 10,000 images of 28 x 28 x 1, 10 classes"));
  CHECK_THAT(info.out, ContainsSubstring("Ankle boot") && ContainsSubstring("fingerprints: images "));
  CHECK_THAT(temper_command({"data", "info", "fashion_mnist_smal"}).err,
             ContainsSubstring("did you mean 'fashion_mnist_small'?"));
  CHECK_THAT(temper_command({"data", "info", "folder", "--set", "paht=x"}).err,
             ContainsSubstring("unknown key 'paht'; did you mean 'path'?"));
  CHECK_THAT(temper_command({"data", "fetch", "cifra10"}).err, ContainsSubstring("did you mean 'cifar10'?"));
  CHECK(temper_command({"data"}).code == kExitUsage);
}

TEST_CASE("train finds what is wrong with the test split before the first step", "[app][errors]") {
  test::TemporaryFolder folder;
  test::write_file(folder.path() / "tiny.yaml", test::tiny_yaml(test::kPgdAt));
  const auto train = [&](const std::string& fault) {
    const Ran ran = temper_command({"train", folder.file("tiny.yaml"), "--out", folder.file("run"), "--set",
                                    "data={name: test_unfit, validation: 12, fault: " + fault + "}"});
    CHECK(ran.code == kExitError);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "run"));
    return ran.err;
  };
  CHECK_THAT(train("labels"), ContainsSubstring("data: test split: the label of image 3 is 7"));
  CHECK_THAT(train("channels"),
             ContainsSubstring("expected images of 8 x 8 x 1") && ContainsSubstring("got 4 x 8 x 2"));
  CHECK_THAT(train("sizes"), ContainsSubstring("expected images of 8 x 8 x 1") && ContainsSubstring("got 4 x 16 x 1"));
  CHECK_THAT(train("empty"), ContainsSubstring("data: test split: holds no images"));
}

TEST_CASE("what is probably a mistake is warned about by train and eval", "[app]") {
  test::TemporaryFolder folder;
  test::write_file(folder.path() / "tiny.yaml", test::tiny_yaml(test::kPgdAt));
  const std::string text =
      "warning: --set evaluation.attacks.a.steps: evaluation.attacks.a.steps: 2000 is probably a mistake";
  const Ran trained = temper_command({"train", folder.file("tiny.yaml"), "--out", folder.file("run"), "--set",
                                      "data.name=test_testable", "loop.epochs=1", "trainer.attack.steps=0",
                                      "trainer.label_smoothing=0.75"});
  CHECK(trained.code == kExitOk);
  CHECK_THAT(trained.err,
             ContainsSubstring("trainer.label_smoothing: 0.75 is probably a mistake; usual values are 0 to 0.5"));
  CHECK_THAT(slurp(folder.path() / "run" / "metrics.jsonl"), ContainsSubstring("0.75 is probably a mistake"));
  const Ran measured =
      temper_command({"eval", folder.file("run"), "--limit", "1", "--set", "evaluation.attacks.a.steps=2000"});
  CHECK(measured.code == kExitOk);
  CHECK_THAT(measured.err, ContainsSubstring(text));
}

TEST_CASE("train fills a run folder that eval, report and --resume understand", "[app]") {
  test::TemporaryFolder folder;
  test::write_file(folder.path() / "tiny.yaml", test::tiny_yaml(test::kPgdAt));
  const std::string run = folder.file("run");
  const std::vector<std::string> train = {"train",
                                          folder.file("tiny.yaml"),
                                          "--out",
                                          run,
                                          "--set",
                                          "data.name=test_testable",
                                          "evaluation.attacks.pgd20={name: pgd, steps: 2}",
                                          "evaluation.attacks.cw={name: cw_linf, steps: 2}"};
  const Ran trained = temper_command(train);
  CHECK(trained.err == "");
  REQUIRE(trained.code == kExitOk);
  CHECK_THAT(trained.out,
             ContainsSubstring("    3/3 ") && ContainsSubstring("C&W") && ContainsSubstring("report.html"));
  CHECK(trained.out.find('\r') == std::string::npos);
  for (const char* file : {"config.yaml", "environment.json", "metrics.jsonl", "metrics.csv", "evaluation.json",
                           "examples.json", "report.html", "checkpoints/last.safetensors"})
    CHECK(std::filesystem::exists(std::filesystem::path(run) / file));
  const auto results = parse_json(slurp(run + "/evaluation.json"));
  CHECK(results["images_train"] == 48);
  CHECK(results["rows"].size() == 3);
  CHECK(results["nrr_attack"] == "cw");
  const std::string page = slurp(run + "/report.html");
  CHECK(test::xml_fault(page) == "");
  CHECK_THAT(page, ContainsSubstring("data:image/png") && ContainsSubstring("margin loss"));

  const Ran again = temper_command(train);
  CHECK(again.code == kExitError);
  CHECK_THAT(again.err, ContainsSubstring("already holds a run"));
  std::vector<std::string> resume = train;
  resume.insert(resume.end(), {"--resume"});
  CHECK_THAT(temper_command(resume).out, ContainsSubstring("this run is complete"));
  const std::filesystem::path lock = RunFolder{run}.lock();
  test::write_file(lock, "");  // of a process that was killed at its end
  CHECK_THAT(temper_command(resume).out, ContainsSubstring("this run is complete"));
  CHECK_FALSE(std::filesystem::exists(lock));
  resume.insert(resume.end(), {"--set", "seed=7"});
  CHECK_THAT(temper_command(resume).err, ContainsSubstring("not the configuration of"));

  const Ran some =
      temper_command({"eval", run, "--attack", "fgsm", "--limit", "5", "--json", folder.file("some.json")});
  CHECK(some.code == kExitOk);
  const auto part = parse_json(slurp(folder.file("some.json")));
  CHECK(part["images_test"] == 5);
  CHECK(part["sample"] == nlohmann::json({{"of", 10}, {"seed", 0}}));
  CHECK(part["test"]["count"] == 5);
  CHECK(part["rows"][1]["attack"]["steps"] == 1);
  CHECK_THAT(some.out, ContainsSubstring("5 of 10 test images (drawn over the classes, seed 0)") &&
                           ContainsSubstring(part["test"]["images"].get<std::string>()));
  CHECK(temper_command(
            {"eval", run, "--attack", "fgsm", "--limit", "5", "--sample-seed", "1", "--json", folder.file("else.json")})
            .code == kExitOk);
  CHECK(parse_json(slurp(folder.file("else.json")))["test"]["images"] != part["test"]["images"]);
  CHECK(part["rows"][1]["label"] == "fgsm");
  CHECK(parse_json(slurp(run + "/evaluation.json")) == results);  // a partial look leaves the run as it is
  CHECK(temper_command({"eval", run, "--quiet"}).out == "");
  const auto same = parse_json(slurp(run + "/evaluation.json"));
  for (size_t i = 0; i < 3; ++i) CHECK(same["rows"][i]["correct"] == results["rows"][i]["correct"]);
  CHECK(same["train_seconds"] == results["train_seconds"]);
  CHECK(same["weights_fingerprint"] == results["weights_fingerprint"]);
  CHECK(results["train"]["count"] == 60);
  CHECK(results["validation"]["count"] == 12);
  CHECK(results["precision"] == "f32");
  const Ran other =
      temper_command({"eval", "--model", run + "/config.yaml", "--weights", run + "/checkpoints/best.safetensors",
                      "--data", "test_testable", "--limit", "5", "--attack", "fgsm"});
  CHECK(other.err == "");
  CHECK_THAT(other.out, ContainsSubstring("5 of 10 test images"));
  CHECK_THAT(temper_command({"eval", run, "--attack", "pdg"}).err, ContainsSubstring("did you mean 'pgd'?"));
  CHECK_THAT(temper_command({"eval", run, "--weights", "beste"}).err, ContainsSubstring("did you mean 'best'?"));

  // f16 is there in every build; bf16, which it takes by itself, needs oneDNN on the CPU.
  const std::string compute = make_cpu_conv()->supports(DType::bf16) ? "bf16" : "f16";
  const Ran audit = temper_command(
      {"audit", "precision", run, "--limit", "5", "--json", folder.file("audit.json"), "--compute", compute});
  CHECK(audit.err == "");
  CHECK_THAT(audit.out, ContainsSubstring("5 test images") && ContainsSubstring("sign of the input gradient"));
  CHECK(parse_json(slurp(folder.file("audit.json")))["images"] == 5);
  CHECK_THAT(temper_command({"audit", "precision", run, "--compute", "f64"}).err,
             ContainsSubstring("expected a precision below f32"));
  const Ran f16 = temper_command({"audit", "precision", run, "--compute", "f16", "--limit", "5"});
  CHECK(f16.err == "");
  CHECK_THAT(f16.out, ContainsSubstring("f16"));
  CHECK_THAT(temper_command({"audit", "precision", run, "--compute", "tf32", "--set", "device=cpu"}).err,
             ContainsSubstring("got --compute tf32, which is f32 on the CPU; use bf16"));
  CHECK_THAT(temper_command({"eval", run, "--weights", "lats"}).err, ContainsSubstring("did you mean 'last'?"));
}

TEST_CASE("report rebuilds pages, compares runs and writes a summary", "[app]") {
  test::TemporaryFolder folder;
  test::write_fake_run(folder.path() / "pgd_at", "pgd_at", 79.2, 68.35, 66.9);
  test::write_fake_run(folder.path() / "standard", "standard", 87.7, 0, 0);
  const Ran ran =
      temper_command({"report", folder.file("standard"), folder.file("pgd_at"), "--compare", folder.file("report.html"),
                      "--json", folder.file("summary.json"), "--seconds", "250"});
  CHECK(ran.err == "");
  CHECK(ran.code == kExitOk);
  CHECK_THAT(ran.out, ContainsSubstring("run         Natural     PGD-20        C&W        NRR      training\n"));
  CHECK_THAT(ran.out, ContainsSubstring("pgd_at        79.20      68.35      66.90      72.53    1 min 43 s\n"));
  const auto j = parse_json(slurp(folder.file("summary.json")));
  CHECK(j.size() == 4);
  CHECK(j["seconds"] == 250);
  CHECK(j["images_train"] == 9000);
  CHECK(j["images_test"] == 2000);
  REQUIRE(j["runs"].size() == 2);
  CHECK(j["runs"][1].size() == 6);
  CHECK(j["runs"][1]["method"] == "pgd_at");
  CHECK(j["runs"][1]["nat"] == 79.2);
  CHECK(j["runs"][1]["pgd20"] == 68.35);
  CHECK(j["runs"][1]["cw"] == 66.9);
  CHECK(j["runs"][1]["nrr"].get<double>() == Approx(72.5322));
  CHECK(j["runs"][1]["train_seconds"] == 103.2);
  const std::string page = slurp(folder.file("report.html"));
  CHECK(test::xml_fault(page) == "");
  CHECK_THAT(page, ContainsSubstring("href=\"pgd_at/report.html\""));
  CHECK(test::xml_fault(slurp(folder.path() / "pgd_at/report.html")) == "");
}

TEST_CASE("report leaves a folder alone while a run works in it", "[app][runs]") {
  test::TemporaryFolder folder;
  test::write_fake_run(folder.path() / "pgd_at", "pgd_at", 79.2, 68.35, 66.9);
  {
    const RunLock training(RunFolder{folder.path() / "pgd_at"});
    const Ran ran = temper_command({"report", folder.file("pgd_at")});
    CHECK(ran.code == kExitError);
    CHECK_THAT(ran.err, ContainsSubstring("is using this folder; wait until it ends"));
    CHECK_FALSE(std::filesystem::exists(folder.path() / "pgd_at/report.html"));
  }
  CHECK(temper_command({"report", folder.file("pgd_at")}).code == kExitOk);
  CHECK_FALSE(std::filesystem::exists(RunFolder{folder.path() / "pgd_at"}.lock()));
  CHECK(temper_command({"report", folder.file("not/there")}).code == kExitError);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "not"));
}

}  // namespace temper
