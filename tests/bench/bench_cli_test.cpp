#include "bench/result.h"
#include "bench/suite.h"
#include "core/files/json.h"
#include "kernels/runtime/check.h"
#include "tests/fixtures/bench_cli_fixture.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;
using namespace temper::bench;

namespace {

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
  const Report b = report_from_json(parse_json<Json>(to_json(a).dump()), "here");
  CHECK(to_json(a) == to_json(b));
  CHECK(b.results[0].times.at("hot").samples == a.results[0].times.at("hot").samples);
  CHECK(b.results[0].limit.bound == "memory");
  CHECK(b.results[0].unfused == "two kernels");
  CHECK(b.session == "s");
}

TEST_CASE("what is no report says so", "[bench]") {
  CHECK_THROWS_WITH(report_from_json(parse_json<Json>("{}"), "x.json"), ContainsSubstring("x.json: expected a report"));
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
  CHECK(choose(axes, {"dtype=all"}) == Choice{{"dtype", {"f32", "bf16"}}, {"batch", {"64"}}});
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
  const Ran by_axes =
      bench_command({"kernels", "--device", "cpu", "--list", "--all", "--axis", "op=backward", "--axis", "n=33,1000"});
  CHECK_THAT(by_axes.out, ContainsSubstring("relu/backward/f32/beta=0/n=33\n") &&
                              ContainsSubstring("relu/backward/bf16/beta=1/n=1000\n"));
  CHECK_THAT(by_axes.out,
             !ContainsSubstring("n=31\n") && !ContainsSubstring("/forward/") && !ContainsSubstring("argmax/"));
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
  CHECK_THAT(suites.out, ContainsSubstring("kernels: single kernels"));
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
