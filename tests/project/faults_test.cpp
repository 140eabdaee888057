#include <csignal>
#include <cstdlib>

#include "core/files/file.h"
#include "failing_calls.h"
#include "tests/fixtures/program_fixture.h"
#include "tests/fixtures/skip.h"
#include "tests/fixtures/temporary_folder.h"

// A short run in which one call after another fails: in the suite some of them, with TEMPER_FAULTS=all every one
// (scripts/check_faults).

using namespace temper;
using test::TemporaryFolder;

namespace {

class FailingRuns {
 public:
  explicit FailingRuns(std::string kind) : kind_(std::move(kind)), config_(test::write_short_run(folder_.path())) {
    whole_ = train("whole", {});
    REQUIRE(whole_.code == 0);
    record_ = test::record_of(folder_.path() / "whole");
  }

  int64_t calls_of_a_run() {
    const std::string count = folder_.file("count");
    REQUIRE(train("counted", failing(0, "counted", "TEMPER_FAIL_COUNT=" + count)).code == 0);
    return std::atoll(read_text(count).c_str());
  }

  // `calls` in a row fail, the first of them call `at`: the run ends well, or says what is wrong and can be resumed.
  void check(int64_t at, int64_t calls) {
    INFO(kind_ << ": " << calls << " calls from number " << at << " on fail");
    const std::string name = cat("run_", at, "_", calls);
    const std::filesystem::path run = folder_.path() / name;
    const test::Ended failed = train(name, failing(at, name, cat("TEMPER_FAIL_CALLS=", calls)));
    INFO(failed.output);
    // oneDNN 2.6 and the JSON library's destructors do not survive that memory is refused: then as after a kill.
    const bool killed = kind_ == "memory" && (failed.signal == SIGSEGV || failed.signal == SIGABRT);
    CHECK((failed.code == 0 || failed.code == 1 || killed));
    if (failed.code == 1) {
      CHECK_THAT(failed.output, ContainsSubstring("temper: error: "));
      CHECK_THAT(failed.output, !ContainsSubstring("unexpected:"));
    }
    const test::Ended resumed =
        std::filesystem::exists(run / "config.yaml") ? train(name, {}, "--resume") : train(name, {});
    INFO(resumed.output);
    CHECK(resumed.code == 0);
    CHECK(test::differences(record_, test::record_of(run)) == std::vector<std::string>{});
    std::filesystem::remove_all(run);
  }

 private:
  std::vector<std::string> failing(int64_t at, const std::string& run, const std::string& more) const {
    return {"LD_PRELOAD=" TEMPER_FAILING_CALLS, "TEMPER_FAIL=" + kind_,
            "TEMPER_FAIL_BELOW=" + (folder_.path() / run).string(), cat("TEMPER_FAIL_AT=", at), more};
  }
  test::Ended train(const std::string& run, const std::vector<std::string>& environment,
                    const std::string& more = "--quiet") {
    return test::Program({"train", config_, "--out", folder_.file(run), more}, folder_.path(), environment).wait();
  }

  TemporaryFolder folder_;
  std::string kind_, config_;
  test::Ended whole_;
  std::map<std::string, std::string> record_;
};

// About `some` of the numbers 1 to `all`, evenly, and always the first and the last.
std::vector<int64_t> sampled(int64_t all, int64_t some) {
  if (const char* every = std::getenv("TEMPER_FAULTS"); every && std::string(every) == "all") some = all;
  std::vector<int64_t> out;
  for (int64_t i = 0; i < some; ++i) out.push_back(1 + i * (all - 1) / std::max<int64_t>(1, some - 1));
  return out;
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kOwnCalls = true;
#else
constexpr bool kOwnCalls = false;
#endif

#define TEMPER_NEEDS_FAILING_CALLS()                                                                  \
  if (!test::program_is_built()) TEMPER_SKIP_ON_HOST("the temper program is not where it was built"); \
  if (kOwnCalls) TEMPER_SKIP_ON_HOST("the address sanitizer has its own calls for memory")

TEST_CASE("faults: whichever call to a file fails, the run ends with an error and can be resumed", "[faults]") {
  TEMPER_NEEDS_FAILING_CALLS();
  FailingRuns runs("files");
  const int64_t all = runs.calls_of_a_run();
  CHECK(all > 100);
  for (const int64_t at : sampled(all, 7)) runs.check(at, 1);
  for (const int64_t at : sampled(all, 3)) runs.check(at, 1000000);
}

TEST_CASE("faults: whichever memory is refused, the run ends and can be resumed", "[faults]") {
  TEMPER_NEEDS_FAILING_CALLS();
  FailingRuns runs("memory");
  const int64_t all = runs.calls_of_a_run();
  CHECK(all > 1000);
  for (const int64_t at : sampled(all, 7)) runs.check(at, 1);
}
