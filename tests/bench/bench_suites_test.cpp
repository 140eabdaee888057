// What the suites of the benchmarks measure.

#include "bench/network.h"
#include "bench/result.h"
#include "bench/suite.h"
#include "core/convolution/conv.h"
#include "source_dir.h"
#include "tests/fixtures/bench_cli_fixture.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/temporary_folder.h"
#include "trainers/state/state.h"

using namespace temper;
using namespace temper::bench;

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
  CHECK(measured.resolved["model"].yaml() == shipped.resolved["model"].yaml());
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
