#include "trainers/signals.h"

#include <csignal>
#include <mutex>

namespace temper {

namespace {

volatile std::sig_atomic_t stop = 0;
struct sigaction old_int, old_term;
std::mutex mutex;
int guards = 0;

void on_signal(int number) {
  if (stop) {
    std::signal(number, SIG_DFL);
    std::raise(number);
  }
  stop = 1;
}

}  // namespace

SignalGuard::SignalGuard() {
  const std::lock_guard lock(mutex);
  if (guards++ > 0) return;
  stop = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, &old_int);
  sigaction(SIGTERM, &action, &old_term);
}

SignalGuard::~SignalGuard() {
  const std::lock_guard lock(mutex);
  if (--guards > 0) return;
  stop = 0;
  sigaction(SIGINT, &old_int, nullptr);
  sigaction(SIGTERM, &old_term, nullptr);
}

bool SignalGuard::raised() { return stop != 0; }

}  // namespace temper
