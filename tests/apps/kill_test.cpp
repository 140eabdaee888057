#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/fixtures/program_fixture.h"
#include "tests/fixtures/skip.h"
#include "tests/fixtures/temporary_folder.h"

// scripts/kill_test sets TEMPER_KILLS and, to repeat one, TEMPER_KILL_SEED.

using namespace temper;
using test::TemporaryFolder;

namespace {

struct Kind {
  std::string name;
  std::vector<std::string> set;
};

std::vector<Kind> kinds() {
  return {{"pgd_at", {"trainer={name: pgd_at, attack: {steps: 2}}"}},
          {"trades with averages", {"trainer={name: trades, attack: {steps: 1}}", "swa.start=2", "swa.bn=estimate"}},
          {"arat", {"trainer={name: arat, attack: {steps: 1}}", "model.branches=[adv, clean]"}},
          {"cure", {"trainer={name: cure, attack: {steps: 1}, warm_up: {epochs: 1}}", "swa.start=2"}}};
}

double seconds_of(const auto& what) {
  const auto start = std::chrono::steady_clock::now();
  what();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int number(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value ? std::atoi(value) : otherwise;
}

}  // namespace

TEST_CASE("killed at random instants and resumed, runs end as if left alone", "[.kill]") {
  if (!test::program_is_built()) TEMPER_SKIP_ON_HOST("the temper program is not where it was built");
  const int kills = number("TEMPER_KILLS", 4),
            seed = number("TEMPER_KILL_SEED", static_cast<int>(std::random_device{}()));
  INFO("TEMPER_KILL_SEED=" << seed);
  std::mt19937 random(static_cast<unsigned>(seed));
  const TemporaryFolder folder;
  const std::string config = test::write_short_run(folder.path());
  const auto train = [&](const Kind& kind, const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> args{"train", config, "--out", folder.file(out), "--set", "loop.epochs=4"};
    args.insert(args.end(), kind.set.begin(), kind.set.end());
    args.insert(args.end(), more.begin(), more.end());
    return test::Program(args, folder.path());
  };
  int killed = 0;
  for (int round = 0; killed < kills; ++round) {
    const Kind kind = kinds()[static_cast<size_t>(round) % kinds().size()];
    INFO(kind.name << ", round " << round);
    test::Ended whole;
    const double whole_seconds = seconds_of([&] { whole = train(kind, "whole", {}).wait(); });
    INFO(whole.output);
    REQUIRE(whole.code == 0);
    const std::filesystem::path cut = folder.path() / "cut";
    test::Ended ended{.code = 75, .signal = 0, .output = ""};
    for (int n = 0; ended.code != 0; ++n) {
      REQUIRE(n < 100);
      test::Program p =
          std::filesystem::exists(cut / "config.yaml") ? train(kind, "cut", {"--resume"}) : train(kind, "cut", {});
      // Up to three kills a run, the last one as a rule during the evaluation.
      if (n < 3 && killed < kills) {
        std::this_thread::sleep_for(std::chrono::duration<double>(
            std::uniform_real_distribution<double>(0, whole_seconds * (n < 2 ? 0.7 : 1))(random)));
        if (p.running()) p.send(SIGKILL);
      }
      ended = p.wait();
      killed += ended.signal == SIGKILL;
      INFO(ended.output);
      REQUIRE((ended.code == 0 || ended.signal == SIGKILL));
    }
    CHECK(test::differences(test::record_of(folder.path() / "whole"), test::record_of(cut)) ==
          std::vector<std::string>{});
    std::filesystem::remove_all(cut);
    std::filesystem::remove_all(folder.path() / "whole");
  }
  std::cout << killed << " kills, seed " << seed << "\n";
}
