// Plans made in processes of their own: this very program is started again to make them.
#include "core/plans/plan_workers.h"

#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/plans/conv_plans.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/reference_engines_fixture.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;

namespace {

test::ReferenceEnginesOptions engines(test::EnginesLog* log) {
  return {.engines = {{.name = "fused", .takes = [](const ConvKey& k) { return k.shape.c % 8 == 0; }},
                      {.name = "plain", .takes = test::plain}},
          .log = log};
}

std::vector<ConvKey> keys() {
  std::vector<ConvKey> all;
  for (const int64_t channels : {8, 12})
    for (const ConvPass pass : {ConvPass::forward, ConvPass::backward_data, ConvPass::backward_filter})
      for (const bool fused : {false, true}) {
        const ConvShape g{.n = 2, .h = 6, .w = 5, .c = channels, .k = 16, .r = 3, .s = 3, .stride = 2, .pad = 1};
        all.push_back({.shape = g,
                       .type = ConvType::bf16,
                       .pass = pass,
                       .relu = fused && pass == ConvPass::forward,
                       .mask = fused && pass == ConvPass::backward_data,
                       .alignment = fused ? 16 : 8});
      }
  return all;
}

/// A program that does as the lines of a shell say.
std::string script(const test::TemporaryFolder& folder, const std::string& lines) {
  const std::string path = folder.file("program");
  std::ofstream(path) << "#!/bin/sh\n" << lines << "\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}
std::string this_program(const test::TemporaryFolder& folder) {
  return script(folder, "exec '" + std::filesystem::read_symlink("/proc/self/exe").string() +
                            "' 'a process that makes plans' -o /dev/null");
}

/// What became of every key with plans made by `program`, or, where that is empty, by this process.
struct Made {
  std::vector<std::string> engines, refusals, notes;
  int found = 0, loaded = 0;
};
Made make(const std::string& program) {
  test::EnginesLog log;
  ConvPlans plans(test::make_reference_engines(engines(&log)), {.threads = 3, .program = program});
  for (const ConvKey& key : keys()) plans.note({key});
  plans.make_noted({});
  Made made{.notes = plans.notes(), .found = log.found, .loaded = log.loaded};
  for (const ConvKey& key : keys()) {
    const ConvPlan* plan = plans.get({}, key);
    made.engines.push_back(plan ? plan->engine() : "");
    made.refusals.push_back(plan ? "" : plans.refusal(key));
  }
  return made;
}

}  // namespace

TEST_CASE("a process that makes plans", "[.child]") {
  serve_plans(*test::make_reference_engines(engines(nullptr)), std::cin, std::cout);
}

TEST_CASE("other processes make the plans that this one would", "[conv][plans]") {
  const test::TemporaryFolder folder;
  const Made here = make(""), elsewhere = make(this_program(folder));
  CHECK(here.found == std::ssize(keys()));
  CHECK(elsewhere.found == 0);
  CHECK(elsewhere.loaded ==
        std::count_if(here.engines.begin(), here.engines.end(), [](auto& e) { return !e.empty(); }));
  CHECK(elsewhere.engines == here.engines);
  CHECK(elsewhere.refusals == here.refusals);
  CHECK(elsewhere.notes.empty());
  CHECK(std::count(here.engines.begin(), here.engines.end(), "") > 0);
}

TEST_CASE("where no other process makes plans this one does, and says so once", "[conv][plans]") {
  const test::TemporaryFolder folder;
  const Made here = make("");
  const std::string note = "plans: no other process could make them, so this one made them one after another: ";
  const auto same_with_note = [&](const std::string& program, const std::string& reason) {
    const Made made = make(program);
    CHECK(made.engines == here.engines);
    CHECK(made.refusals == here.refusals);
    REQUIRE(made.notes.size() == 1);
    CHECK_THAT(made.notes[0], ContainsSubstring(note) && ContainsSubstring(reason));
  };
  same_with_note(folder.file("nothing"), "cannot be started: No such file or directory");
  same_with_note(script(folder, "exit 1"), "it ended before it");
  same_with_note(script(folder, "read line; echo nonsense; cat > /dev/null"), "parse error");
  same_with_note(script(folder, "while read line; do echo '{\"error\": \"no device answers\"}'; done"),
                 "no device answers");
  same_with_note(script(folder, "while read line; do echo '{\"plans\": [\"no plan\"], \"refusals\": {}}'; done"), "");
}

TEST_CASE("few plans are not worth a process", "[conv][plans]") {
  const test::TemporaryFolder folder;
  test::EnginesLog log;
  ConvPlans plans(test::make_reference_engines(engines(&log)), {.program = folder.file("nothing")});
  plans.note({keys()[0]});
  plans.make_noted({});
  CHECK(log.found == 1);
  CHECK(plans.notes().empty());
}

TEST_CASE("only a program whose main says so is started to make plans", "[conv][plans]") {
  CHECK(plan_program().empty());
}
