#include "trainers/loop/signals.h"

#include <array>
#include <csignal>
#include <mutex>

namespace temper {

namespace {

volatile std::sig_atomic_t stop = 0;
std::mutex mutex;
int guards = 0;

struct Held {
  int number;
  struct sigaction before;
};
std::array<Held, 4> held = {{{SIGINT, {}}, {SIGTERM, {}}, {SIGHUP, {}}, {SIGPIPE, {}}}};

// A closing terminal may send SIGHUP twice, and the end of a session SIGHUP and SIGTERM, so SIGHUP does not count. A
// second SIGINT or SIGTERM has its default action, which needs no code of the process to run again.
void on_signal(int number) {
  stop = 1;
  if (number == SIGHUP) return;
  struct sigaction end {};
  end.sa_handler = SIG_DFL;
  sigaction(SIGINT, &end, nullptr);
  sigaction(SIGTERM, &end, nullptr);
}

}  // namespace

SignalGuard::SignalGuard() {
  const std::lock_guard lock(mutex);
  if (guards++ > 0) return;
  stop = 0;
  for (Held& h : held) {
    struct sigaction action {};
    action.sa_handler = h.number == SIGPIPE ? SIG_IGN : on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(h.number, &action, &h.before);
    if (h.number == SIGHUP && h.before.sa_handler == SIG_IGN) sigaction(h.number, &h.before, nullptr);
  }
}

SignalGuard::~SignalGuard() {
  const std::lock_guard lock(mutex);
  if (--guards > 0) return;
  stop = 0;
  for (const Held& h : held) sigaction(h.number, &h.before, nullptr);
}

bool SignalGuard::raised() { return stop != 0; }

void SignalGuard::raise() {
  const std::lock_guard lock(mutex);
  if (guards > 0) stop = 1;
}

}  // namespace temper
