#include <fstream>
#include <sstream>

#include "bench/cli.h"
#include "bench/network.h"
#include "bench/result.h"
#include "bench/suite.h"
#include "core/conv.h"
#include "kernels/runtime/check.h"
#include "source_dir.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "trainers/state.h"

using namespace temper;
using namespace temper::bench;

namespace {

struct Ran {
  int code;
  std::string out, err;
};

Ran bench_command(std::vector<std::string> args, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out, err;
  const int code = run_bench(args, in, out, err);
  return {code, out.str(), err.str()};
}

/// A case of every kind of field, timed at `factor`.
Report report(double factor, const std::string& session = "") {
  Report r{.suite = "kernels", .session = session};
  r.environment = {{"cpu", "one"}, {"threads", 2}, {"commit", "abc"}};
  r.peaks = {{"copy_bytes_per_second", 1e10}};
  Result one{.name = "relu/forward", .axes = {{"dtype", "f32"}}, .bytes = 8, .flops = 1, .weight = 2};
  for (int i = 0; i < 20; ++i) {
    one.times["cold"].samples.push_back(factor * (1 + 0.001 * i));
    one.times["hot"].samples.push_back(factor * (0.5 + 0.001 * i));
  }
  one.times["cold"].stopped = one.times["hot"].stopped = "noise";
  one.unfused = "two kernels";
  one.limit = {"memory", 0.25};
  one.extra = {{"note", "x"}};
  r.results.push_back(one);
  return r;
}

std::string saved(const test::TemporaryFolder& folder, const std::string& name, const Report& r) {
  const std::string file = (folder.path() / name).string();
  write_file(file, to_json(r).dump());
  return file;
}

}  // namespace

TEST_CASE("a report survives JSON", "[bench]") {
  const Report a = report(1.25, "s");
  const Report b = report_from_json(Json::parse(to_json(a).dump()), "here");
  CHECK(to_json(a) == to_json(b));
  CHECK(b.results[0].times.at("hot").samples == a.results[0].times.at("hot").samples);
  CHECK(b.results[0].limit.bound == "memory");
  CHECK(b.results[0].unfused == "two kernels");
  CHECK(b.session == "s");
}

TEST_CASE("what is no report says so", "[bench]") {
  CHECK_THROWS_WITH(report_from_json(Json::parse("{}"), "x.json"), ContainsSubstring("x.json: expected a report"));
  Json j = to_json(report(1));
  j["schema"] = 99;
  CHECK_THROWS_WITH(report_from_json(j, "x"), ContainsSubstring("its schema is 99"));
  j = to_json(report(1));
  j["results"][0]["times"]["hot"]["samples"] = {0.5, -1.0};
  CHECK_THROWS_WITH(report_from_json(j, "x"), ContainsSubstring("a sample of -1 seconds"));
  j["results"][0]["times"]["hot"]["samples"] = Json::array();
  CHECK_THROWS_WITH(report_from_json(j, "x"), ContainsSubstring("no samples"));
}

TEST_CASE("what is not known, or cannot be, is said", "[bench]") {
  Report r = report(1);
  r.results[0].times["cold"].samples.resize(1);
  CHECK_THAT(to_text(r), ContainsSubstring("one sample"));
  CHECK_THAT(to_text(r), !ContainsSubstring("0.0 %"));
  CHECK(to_json(r)["results"][0]["times"]["cold"]["noise"].dump() == "null");
  r.results[0].limit.seconds = 2;  // longer than it took
  CHECK_THAT(to_text(r), ContainsSubstring("200 % (!)"));
}

TEST_CASE("tables have a line per case", "[bench]") {
  CHECK_THAT(to_markdown(report(1)), ContainsSubstring("| relu/forward | "));
  CHECK_THAT(to_csv(report(1)), ContainsSubstring("\"relu/forward\",cold,20,"));
  CHECK_THAT(to_text(report(1)), ContainsSubstring("memory"));
}

TEST_CASE("compare ends with what it found", "[bench]") {
  const test::TemporaryFolder folder;
  const std::string base = saved(folder, "base.json", report(1)), same = saved(folder, "same.json", report(1.001));
  const std::string slow = saved(folder, "slow.json", report(1.2)), fast = saved(folder, "fast.json", report(0.8));
  CHECK(bench_command({"compare", base, same}).code == kExitOk);
  CHECK_THAT(bench_command({"compare", base, same}).out, ContainsSubstring("SAME"));
  CHECK(bench_command({"compare", base, slow}).code == kExitWorse);
  CHECK_THAT(bench_command({"compare", base, slow}).out, ContainsSubstring("SLOWER  +20"));
  Report broken = report(1);
  broken.results[0].times.clear();
  broken.results[0].failed = "it is wrong";
  const std::string wrong = saved(folder, "wrong.json", broken);
  CHECK(bench_command({"compare", base, wrong}).code == kExitWorse);
  CHECK_THAT(bench_command({"compare", base, wrong}).out, ContainsSubstring("FAILED relu/forward"));
  CHECK(bench_command({"compare", wrong, base}).code == kExitUnusable);  // nothing to compare with
  CHECK(bench_command({"compare", base, fast}).code == kExitOk);
  CHECK_THAT(bench_command({"compare", base, fast}).out, ContainsSubstring("FASTER"));
  CHECK(bench_command({"compare", base, slow, "--min-effect", "0.5"}).code == kExitOk);
}

TEST_CASE("compare refuses what it cannot use", "[bench]") {
  const test::TemporaryFolder folder;
  const std::string base = saved(folder, "base.json", report(1));
  const auto refused = [&](const Report& r) {
    return bench_command({"compare", base, saved(folder, "other.json", r)});
  };
  Report other = report(1);
  other.environment["cpu"] = "two";
  CHECK(refused(other).code == kExitUnusable);
  CHECK_THAT(refused(other).err, ContainsSubstring("from one machine"));
  CHECK(bench_command({"compare", base, (folder.path() / "other.json").string(), "--any-machine"}).code == kExitOk);
  other = report(1);
  other.suite = "conv";
  CHECK_THAT(refused(other).err, ContainsSubstring("two reports of one suite"));
  other = report(1);
  other.results[0].name = "another";
  CHECK_THAT(refused(other).err, ContainsSubstring("no case in common"));
  write_file((folder.path() / "text").string(), "not json");
  CHECK(bench_command({"compare", base, (folder.path() / "text").string()}).code == kExitUnusable);
  CHECK_THAT(bench_command({"compare", base, (folder.path() / "text").string()}).err, ContainsSubstring("not JSON"));
  CHECK_THAT(bench_command({"compare", base, "/nowhere.json"}).err, ContainsSubstring("cannot be read"));
  CHECK_THAT(bench_command({"compare", base}).err, ContainsSubstring("expected two reports, got 1"));
  CHECK(bench_command({"compare", "--pair", "/nowhere/bench", "--with", "/nowhere/bench", "kernels"}).code ==
        kExitUnusable);
}

TEST_CASE("axes take values that are known", "[bench]") {
  const std::vector<Axis> axes = {{"dtype", {"f32"}, {"f32", "bf16"}}, {"batch", {"64"}, {}}};
  CHECK(choose(axes, {}) == Choice{{"dtype", {"f32"}}, {"batch", {"64"}}});
  CHECK(choose(axes, {"batch=1,2", "dtype=bf16"}) == Choice{{"dtype", {"bf16"}}, {"batch", {"1", "2"}}});
  CHECK_THROWS_WITH(choose(axes, {"dtype"}), ContainsSubstring("expected name=value"));
  CHECK_THROWS_WITH(choose(axes, {"dtpe=f32"}), ContainsSubstring("no axis 'dtpe' here; did you mean 'dtype'?"));
  CHECK_THROWS_WITH(choose(axes, {"dtype=f64"}), ContainsSubstring("dtype has no value 'f64'"));
}

TEST_CASE("the command line lists, filters and refuses", "[bench]") {
  const Ran all = bench_command({"kernels", "--device", "cpu", "--list"});
  CHECK(all.code == kExitOk);
  CHECK_THAT(all.out, ContainsSubstring("relu/forward/f32/n=4194304"));
  CHECK_THAT(all.out, !ContainsSubstring("relu/forward/f32/n=1000\n"));
  CHECK_THAT(bench_command({"kernels", "--device", "cpu", "--list", "--all"}).out,
             ContainsSubstring("relu/forward/f32/n=1000\n"));
  const Ran some = bench_command(
      {"kernels", "--device", "cpu", "--list", "--filter", "^ema/", "--axis", "dtype=f64", "--axis", "kernel=ema"});
  CHECK_THAT(some.out, ContainsSubstring("ema/f64"));
  CHECK_THAT(some.out, !ContainsSubstring("relu/"));
  CHECK(bench_command({"kernels", "--device", "cpu", "--filter", "("}).code == kExitWorse);
  CHECK_THAT(bench_command({"kernels", "--device", "cpu", "--filter", "("}).err,
             ContainsSubstring("expected a regular expression"));
  CHECK_THAT(bench_command({"kernels", "--device", "cpu", "--filter", "nothing-like-it"}).err,
             ContainsSubstring("no case of kernels matches"));
  CHECK(bench_command({"kernels", "--device", "cpu", "--mode", "warm"}).code == kExitUnusable);
  CHECK(bench_command({"nonsense"}).code == kExitUnusable);
  CHECK(bench_command({}).code == kExitUnusable);
  CHECK_THAT(bench_command({}).err, ContainsSubstring("expected one of"));
}

TEST_CASE("the command lists its suites and explains its options", "[bench]") {
  const Ran suites = bench_command({"--list"});
  CHECK(suites.code == kExitOk);
  CHECK_THAT(suites.out, ContainsSubstring("kernels: the kernels by themselves"));
  CHECK_THAT(suites.out, ContainsSubstring("step: whole training steps"));
  CHECK_THAT(suites.out, ContainsSubstring("axis compute: f32\n"));
  for (const char* command : {"kernels", "conv", "step", "attack", "compare"}) {
    const Ran help = bench_command({command, "--help"});
    CHECK(help.code == kExitOk);
    CHECK_THAT(help.out, ContainsSubstring(std::string("Usage: temper-bench ") + command));
    for (const char* raw : {"ENUM", " in {", "POSITIVE", "NONNEGATIVE", " in [", "TEXT", "FLOAT"})
      CHECK_THAT(help.out, !ContainsSubstring(raw));
  }
  CHECK_THAT(bench_command({"kernels", "--help"}).out, ContainsSubstring("--device cpu|cuda"));
  CHECK_THAT(bench_command({"kernels", "--device", "tpu"}).err, ContainsSubstring("tpu"));
}

TEST_CASE("a suite measures, writes and serves", "[bench]") {
  const test::TemporaryFolder folder;
  const std::string json = (folder.path() / "r.json").string(), md = (folder.path() / "r.md").string();
  const std::vector<std::string> one = {
      "kernels",    "--device", "cpu",       "--all", "--filter", "^relu/forward/f32/n=1000$",
      "--min-time", "0.001",    "--timeout", "0.05"};
  std::vector<std::string> measured = one;
  measured.insert(measured.end(), {"--json", json, "--md", md, "--mode", "hot"});
  const Ran ran = bench_command(measured);
  INFO(ran.err);
  REQUIRE(ran.code == kExitOk);
  const Report r = read_report(json);
  REQUIRE(r.results.size() == 1);
  CHECK(r.results[0].times.at("hot").samples.size() >= 10);
  CHECK(r.results[0].times.count("cold") == 0);
  CHECK_FALSE(r.results[0].limit.bound.empty());
#if defined(TEMPER_ONEDNN)
  CHECK(r.results[0].unfused == "oneDNN");
  CHECK(r.results[0].times.at("unfused").median() > 0);
  CHECK_THAT(ran.out, ContainsSubstring("x (oneDNN)"));
#else
  CHECK(r.results[0].unfused.empty());
#endif
  CHECK(r.environment.contains("commit"));
  CHECK(r.environment.contains("dirty"));
  CHECK(r.peaks.contains("f32"));

  std::vector<std::string> served = one;
  served.push_back("--serve");
  std::istringstream answers(
      bench_command(served, "list\ncase relu/forward/f32/n=1000\nrun 3\nrun\ncase what\nquit\n").out);
  std::string line;
  std::getline(answers, line);
  CHECK(line == "1");
  std::getline(answers, line);
  CHECK(line == "relu/forward/f32/n=1000");
  std::getline(answers, line);
  CHECK(line.rfind("ready ", 0) == 0);
  std::getline(answers, line);
  CHECK(std::stod(line) > 0);
  std::getline(answers, line);
  CHECK_THAT(line, ContainsSubstring("error expected list, case NAME"));
  std::getline(answers, line);
  CHECK_THAT(line, ContainsSubstring("error there is no case 'what'"));
}

TEST_CASE("the convolutions of a network are those that its passes run", "[bench]") {
  const auto found = convolutions_of("resnet18");
  int64_t forward = 0, data = 0, masked = 0, masked_residual = 0, filter = 0;
  for (const auto& [shape, count] : found) {
    forward += count.forward;
    data += count.data;
    masked += count.masked;
    masked_residual += count.masked_residual;
    filter += count.filter;
  }
  CHECK(forward == 20);  // the stem, 16 in the blocks, 3 shortcuts
  CHECK(data + masked + masked_residual == 20);
  CHECK(masked == 8);           // the second of each block: the ReLU inside it
  CHECK(masked_residual == 8);  // the first of each block: the ReLU before it, which the shortcut reads, too
  CHECK(filter == 20);
  const ConvShape stage4{.n = 1, .h = 4, .w = 4, .c = 512, .k = 512, .r = 3, .s = 3, .stride = 1, .pad = 1};
  REQUIRE(found.count(stage4));
  CHECK(found.at(stage4).forward == 3);
  CHECK(model_section("wide_resnet34_10") == "{name: wide_resnet, depth: 34, width: 10}");
  CHECK(model_section("small_cnn") == "{name: small_cnn}");
}

TEST_CASE("the quickstart network is that of the shipped configurations", "[bench]") {
  const std::string file = TEMPER_SOURCE_DIR "/configs/quickstart/pgd_at.yaml";
  const Experiment shipped = read_experiment(load_config(file));
  const Experiment measured = read_experiment(parse_config("model: " + model_section("quickstart")));
  CHECK(YAML::Dump(measured.resolved["model"]) == YAML::Dump(shipped.resolved["model"]));
  CHECK(data_shape("quickstart") == read_splits(shipped).shape);
}

TEST_CASE("convolutions and attacks are checked and timed", "[bench]") {
  const std::vector<std::string> quick = {"--device", "cpu",        "--threads", "1",         "--min-samples",
                                          "2",        "--min-time", "0",         "--timeout", "0.001"};
  std::vector<std::string> conv = {"conv", "--axis", "network=small_cnn", "--axis", "batch=3", "--axis", "dtype=f32"};
  conv.insert(conv.end(), quick.begin(), quick.end());
  const Ran convs = bench_command(conv);
  INFO(convs.err);
  CHECK(convs.code == kExitOk);
  CHECK_THAT(convs.out, ContainsSubstring("small_cnn/filter/f32/n3"));
  CHECK_THAT(convs.out, ContainsSubstring("conv, then bn+relu"));
  CHECK_THAT(convs.out, ContainsSubstring("small_cnn/masked/f32/n3"));
  CHECK_THAT(convs.out, ContainsSubstring("gradient, then relu's"));
  CHECK_THAT(convs.out, ContainsSubstring("5 convolutions"));
  std::vector<std::string> attack = {"attack",  "--axis", "model=small_cnn", "--axis",
                                     "batch=2", "--set",  "attack.steps=2"};
  attack.insert(attack.end(), quick.begin(), quick.end());
  const bool bf16 = make_cpu_conv()->supports(DType::bf16);
  std::vector<std::string> residual = {"conv",
                                       "--axis",
                                       "network=resnet18",
                                       "--axis",
                                       "batch=3",
                                       "--axis",
                                       bf16 ? "dtype=f32,bf16,f16" : "dtype=f32,f16",
                                       "--filter",
                                       "masked_residual/.*/4x4x512"};
  residual.insert(residual.end(), quick.begin(), quick.end());
  const Ran residuals = bench_command(residual);
  INFO(residuals.err);
  CHECK(residuals.code == kExitOk);
  CHECK_THAT(residuals.out, ContainsSubstring("resnet18/masked_residual/f16/n3/4x4x512-512_3x3"));
  const Ran attacks = bench_command(attack);
  INFO(attacks.err);
  CHECK(attacks.code == kExitOk);
  CHECK_THAT(attacks.out, ContainsSubstring("2 steps, start uniform"));
}

TEST_CASE("a step that nothing repeats by itself is refused where a graph is asked for", "[bench]") {
  const Ran ran =
      bench_command({"step", "--device", "cpu", "--axis", "model=small_cnn", "--axis", "batch=2", "--set", "graph=on"});
  CHECK(ran.code == kExitWorse);
  CHECK_THAT(ran.out, ContainsSubstring("failed: graph: expected device: cuda"));
}

TEST_CASE("a step in brief is timed and not broken down", "[bench]") {
  const test::TemporaryFolder folder;
  const Ran ran = bench_command({"step",          "--device",
                                 "cpu",           "--brief",
                                 "--axis",        "model=small_cnn",
                                 "--axis",        "method=standard",
                                 "--axis",        "batch=2",
                                 "--threads",     "1",
                                 "--min-samples", "2",
                                 "--min-time",    "0",
                                 "--timeout",     "0.001",
                                 "--json",        folder.file("step.json")});
  INFO(ran.err);
  REQUIRE(ran.code == kExitOk);
  const Json extra = read_report(folder.file("step.json")).results.at(0).extra;
  CHECK(extra.contains("graph"));
  CHECK_FALSE(extra.contains("breakdown"));
}

TEST_CASE("a step says where its time goes", "[bench]") {
  const test::TemporaryFolder folder;
  const Ran ran = bench_command(
      {"step",   "--device",   "cpu",    "--axis",         "model=small_cnn", "--axis", "method=trades",
       "--axis", "batch=4",    "--axis", "attack_steps=1", "--threads",       "1",      "--min-samples",
       "2",      "--min-time", "0",      "--timeout",      "0.001",           "--json", folder.file("step.json")});
  INFO(ran.err);
  REQUIRE(ran.code == kExitOk);
  CHECK_THAT(ran.out, ContainsSubstring("the listed kernels explain"));
  const Json extra = read_report(folder.file("step.json")).results.at(0).extra, &b = extra.at("breakdown");
  CHECK(extra.at("graph").at("use") == "auto");
  CHECK(extra.at("graph").at("launched") == 0);
  CHECK(extra.at("convolutions").contains("library"));
  CHECK(b.at("longest").size() == 10);
  CHECK(b.at("longest").at(0).at("seconds") >= b.at("longest").at(9).at("seconds"));
  CHECK(b.at("explained") >
        0.5);  // on the CPU, whose ranges cost little beside its kernels; a busy machine adds pauses
  CHECK(b.at("explained") <= 1);
  double phases = 0;
  for (const char* phase : {"attack", "forward", "backward", "update", "other"}) {
    REQUIRE(b.at("phases").contains(phase));
    phases += b.at("phases").at(phase).get<double>();
  }
  CHECK(phases == Approx(b.at("seconds").get<double>()));
  double forward = 0;  // clean target, attack step, natural and robust: four passes of five layers
  for (const Json& k : b.at("kernels"))
    if (k.at("name") == "conv2d" || k.at("name") == "conv2d_batch_norm") forward += k.at("calls").get<double>();
  CHECK(forward == 20);
}
