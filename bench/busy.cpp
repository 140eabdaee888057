#include "bench/busy.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "kernels/runtime/check.h"

namespace temper::bench {

namespace {

[[noreturn]] void spin() {
  for (volatile unsigned n = 0;;) n = n + 1;
}

}  // namespace

BusyProcesses::BusyProcesses(int count) {
  const pid_t parent = getpid();
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    TEMPER_CHECK(child >= 0, "--busy: no process could be started");
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(0);
      raise(SIGSTOP);
      spin();
    }
    children_.push_back(child);
    waitpid(child, nullptr, WUNTRACED);  // until it rests
  }
}

BusyProcesses::~BusyProcesses() {
  for (const pid_t child : children_) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
}

void BusyProcesses::resume() const {
  for (const pid_t child : children_) kill(child, SIGCONT);
}

void BusyProcesses::rest() const {
  for (const pid_t child : children_) kill(child, SIGSTOP);
}

}  // namespace temper::bench
