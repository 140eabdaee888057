#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "core/files/file.h"
#include "temper_program.h"
#include "tests/fixtures/cli_fixture.h"
#include "tests/fixtures/program_fixture.h"
#include "tests/fixtures/skip.h"
#include "tests/fixtures/temporary_folder.h"
#include "trainers/loop/loop.h"

// What the program does when its streams are closed or full, and when it is told to end.

using namespace temper;
using test::TemporaryFolder;

namespace {

#define TEMPER_NEEDS_PROGRAM() \
  if (!test::program_is_built()) TEMPER_SKIP_ON_HOST("the temper program is not where it was built")

// A line of shell; `temper` in it is the program.
int shell(const std::string& line) {
  const int status = std::system(cat("temper() { '", TEMPER_PROGRAM, "' \"$@\"; }; ", line).c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// A short run made longer, so that it can be caught at work.
struct LongRun {
  TemporaryFolder folder;
  RunFolder run{folder.path() / "run"};
  std::string config = test::write_short_run(folder.path());
  std::string command(const std::string& more = "") const {
    return cat("temper train ", config, " --out ", run.root.string(), " --set loop.epochs=2000 loop.eval_every=0 ",
               more);
  }
  test::Program start() const {
    return {{"train", config, "--out", run.root.string(), "--set", "loop.epochs=2000", "loop.eval_every=0"},
            folder.path()};
  }
  void wait_for_a_checkpoint(test::Program& p) const {
    while (p.running() && !std::filesystem::exists(run.last()))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    REQUIRE(p.running());
  }
};

}  // namespace

TEST_CASE("streams: output that cannot be written is an error", "[app][streams]") {
  TEMPER_NEEDS_PROGRAM();
  const TemporaryFolder folder;
  const std::string err = folder.file("err");
  CHECK(shell("temper list > /dev/full 2> " + err) == 1);
  CHECK(read_text(err) == "temper: error: the output cannot be written; is the disk full, or has its reader ended?\n");
  CHECK(shell("temper --help > /dev/full 2> " + err) == 1);
  CHECK(shell("temper list > /dev/null 2> " + err) == 0);
  CHECK(read_text(err) == "");
}

TEST_CASE("streams: a run whose output nobody reads saves and ends", "[app][streams]") {
  TEMPER_NEEDS_PROGRAM();
  for (const char* where : {"> /dev/full", "| head -n 1 > /dev/null; exit ${PIPESTATUS[0]}"}) {
    INFO(where);
    const LongRun long_run;
    const std::string script = long_run.folder.file("script");
    write_text_atomically(script, cat("temper() { '", TEMPER_PROGRAM, "' \"$@\"; }\n", long_run.command(where), "\n"));
    CHECK(shell("bash " + script + " 2> /dev/null") == kExitInterrupted);
    CHECK(std::filesystem::exists(long_run.run.last()));
  }
}

TEST_CASE("streams: closed ones are not mixed up with files", "[app][streams]") {
  TEMPER_NEEDS_PROGRAM();
  const TemporaryFolder folder;
  const std::string config = test::write_short_run(folder.path());
  REQUIRE(shell("temper train " + config + " --quiet --out " + folder.file("whole")) == 0);
  REQUIRE(shell("temper train " + config + " --out " + folder.file("closed") + " <&- >&- 2>&-") == 0);
  CHECK(test::differences(test::record_of(folder.path() / "whole"), test::record_of(folder.path() / "closed")) ==
        std::vector<std::string>{});
}

TEST_CASE("signals: SIGINT, SIGTERM and SIGHUP save and end", "[app][streams]") {
  TEMPER_NEEDS_PROGRAM();
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    INFO("signal " << number);
    const LongRun long_run;
    test::Program p = long_run.start();
    long_run.wait_for_a_checkpoint(p);
    p.send(number);
    const test::Ended ended = p.wait();
    INFO(ended.output);
    CHECK(ended.code == kExitInterrupted);
    CHECK_FALSE(std::filesystem::exists(long_run.run.lock()));
  }
}

TEST_CASE("signals: a second one ends the process at once, whatever it does", "[app][streams]") {
  TEMPER_NEEDS_PROGRAM();
  // Kept from going on to its next step by a pipe that is full and that nobody empties.
  const LongRun long_run;
  const std::string pipe = long_run.folder.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK), writer = ::open(pipe.c_str(), O_WRONLY | O_NONBLOCK);
  while (::write(writer, "x", 1) == 1) {
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open(pipe.c_str(), O_WRONLY), STDOUT_FILENO);
    ::execl(TEMPER_PROGRAM, "temper", "train", long_run.config.c_str(), "--out", long_run.run.root.c_str(), nullptr);
    ::_exit(127);
  }
  while (!std::filesystem::exists(long_run.run.metrics())) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ::kill(child, SIGTERM);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  int status = 0;
  CHECK(::waitpid(child, &status, WNOHANG) == 0);  // it waits for the pipe
  ::kill(child, SIGTERM);
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGTERM);
  ::close(reader);
  ::close(writer);
}

TEST_CASE("signals: a run under nohup goes on when its terminal closes", "[app][streams]") {
  TEMPER_NEEDS_PROGRAM();
  const TemporaryFolder folder;
  const std::string config = test::write_short_run(folder.path());
  // The shell ignores the signal, and so does what it starts.
  CHECK(shell(cat("trap '' HUP; '", TEMPER_PROGRAM, "' train ", config, " --quiet --out ", folder.file("run"),
                  " & p=$!; while [ ! -e ", folder.file("run/metrics.jsonl"),
                  " ]; do sleep 0.01; done; kill -HUP $p; wait $p")) == 0);
  CHECK(std::filesystem::exists(folder.file("run/evaluation.json")));
}

TEST_CASE("two processes on one run folder: the second is told who the first is", "[app][streams]") {
  TEMPER_NEEDS_PROGRAM();
  const LongRun long_run;
  test::Program p = long_run.start();
  long_run.wait_for_a_checkpoint(p);
  const std::vector<std::string> again{"train", long_run.config, "--out", long_run.run.root.string()};
  CHECK(test::Program(again, long_run.folder.path()).wait().code == 1);
  std::vector<std::string> resume = again;
  resume.insert(resume.end(), {"--set", "loop.epochs=2000", "loop.eval_every=0", "--resume"});
  const test::Ended second = test::Program(resume, long_run.folder.path()).wait();
  CHECK(second.code == 1);
  CHECK_THAT(second.output,
             ContainsSubstring(cat("process ", p.id(), " on ")) && ContainsSubstring("is using this folder"));
  const test::Ended eval = test::Program({"eval", long_run.run.root.string()}, long_run.folder.path()).wait();
  CHECK_THAT(eval.output, ContainsSubstring(cat("process ", p.id(), " on ")));
  p.send(SIGTERM);
  CHECK(p.wait().code == kExitInterrupted);
}
