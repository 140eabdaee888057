#include "apps/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/plans/plan_ahead.h"
#include "core/text.h"
#include "trainers/loop/signals.h"

namespace temper {

namespace {

std::string bar(double fraction, int width, const Terminal& t) {
  const int full = static_cast<int>(std::lround(std::clamp(fraction, 0.0, 1.0) * width));
  std::string done, rest;
  for (int i = 0; i < width; ++i)
    (i < full ? done : rest) += t.unicode ? (i < full ? "━" : "─") : (i < full ? "=" : "-");
  return ink(t, Ink::blue, done) + ink(t, Ink::soft, rest);
}

std::string accuracy(const std::optional<ValidationReport>& v) {
  return v ? fmt::format("{:>7.2f} {:>7.2f}", v->clean, v->robust) : fmt::format("{:>7} {:>7}", "-", "-");
}

}  // namespace

std::string clock_text(double seconds) {
  const auto s = static_cast<int64_t>(std::ceil(seconds));
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s % 3600 / 60, s % 60);
}

std::string progress_line(const ProgressView& p, const Terminal& terminal, int columns) {
  std::vector<std::string> parts;
  if (p.seconds_left) parts.push_back(clock_text(*p.seconds_left) + " left");
  if (p.images_per_second) parts.push_back(fmt::format("{:.0f} img/s", *p.images_per_second));
  if (p.loss) parts.push_back(fmt::format("loss {:.3f}", *p.loss));
  if (p.clean) parts.push_back(fmt::format("clean {:.1f}", *p.clean));
  if (p.robust) parts.push_back(fmt::format("robust {:.1f}", *p.robust));
  const std::string percent = fmt::format("{:.0f}%", std::floor(100 * std::clamp(p.fraction, 0.0, 1.0)));
  constexpr int kBar = 24, kShortBar = 4;
  const int room = columns - 1;  // a line that fills the last column would wrap on some terminals
  const auto needs = [&] {
    int n = static_cast<int>(shown_width(p.task) + percent.size()) + 2;
    for (const std::string& part : parts) n += 2 + static_cast<int>(shown_width(part));
    return n;
  };
  while (!parts.empty() && needs() + kShortBar > room) parts.pop_back();
  const int width = std::min(room - needs(), kBar);
  std::string line = p.task + " " + (width >= kShortBar ? bar(p.fraction, width, terminal) + " " : "") + percent;
  for (const std::string& part : parts) line += "  " + part;
  return static_cast<int>(shown_width(p.task) + percent.size()) + 1 > room ? percent : line;
}

ConsoleObserver::ConsoleObserver(std::ostream& out, std::ostream& err, Terminal terminal, Verbosity verbosity)
    : out_(out), err_(err), terminal_(terminal), verbosity_(verbosity) {}

void ConsoleObserver::clear() {
  if (visible_) out_ << "\r\x1b[K" << std::flush;
  visible_ = false;
}

void ConsoleObserver::line(const std::string& text) {
  if (verbosity_ == Verbosity::quiet) return;
  clear();
  out_ << text << std::endl;
  if (!out_) SignalGuard::raise();  // the reader has gone: save and end, as when the terminal is closed
}

void ConsoleObserver::show(const ProgressView& view, bool last) {
  if (!terminal_.live || verbosity_ == Verbosity::quiet) return;
  const auto now = Clock::now();
  if (!last && now - shown_ < std::chrono::milliseconds(100)) return;
  shown_ = now;
  out_ << "\r" << progress_line(view, terminal_, terminal_.columns()) << "\x1b[K" << std::flush;
  visible_ = true;
}

void ConsoleObserver::on_start(const StartReport& r) {
  begin_ = Clock::now();
  const double total = static_cast<double>(std::max<int64_t>(1, r.epochs * r.steps_per_epoch));
  fraction_at_begin_ = static_cast<double>((r.epoch - 1) * r.steps_per_epoch + r.step) / total;
  line(fmt::format("{}: {} with {} parameters, {} ({} images, {} more for validation), on {}",
                   ink(terminal_, Ink::bold, r.method), r.model, grouped(r.parameters), r.data, grouped(r.images_train),
                   grouped(r.images_validation), r.device));
  if (r.epoch > 1 || r.step > 0) line(fmt::format("resumed at epoch {}, step {}", r.epoch, r.step));
  line(ink(terminal_, Ink::soft, "  epoch     loss   clean  robust       lr  images/s     time"));
}

void ConsoleObserver::on_step(const StepReport& r) {
  const double steps = static_cast<double>(std::max<int64_t>(1, r.steps_per_epoch));
  training_.task = fmt::format("epoch {}/{}", r.epoch, r.epochs);
  training_.fraction = (static_cast<double>(r.epoch - 1) + static_cast<double>(r.step) / steps) /
                       static_cast<double>(std::max<int64_t>(1, r.epochs));
  const double done = training_.fraction - fraction_at_begin_;
  if (done > 0)
    training_.seconds_left =
        std::chrono::duration<double>(Clock::now() - begin_).count() / done * (1 - training_.fraction);
  training_.loss = r.loss;
  training_.images_per_second = r.images_per_second;
  show(training_, false);
}

void ConsoleObserver::on_evaluate(const std::string& what, int64_t done, int64_t total) {
  if (what != task_ || done <= done_at_begin_) task_begin_ = Clock::now(), done_at_begin_ = done;
  task_ = what;
  const double fraction = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1;
  const double seconds = std::chrono::duration<double>(Clock::now() - task_begin_).count();
  ProgressView p{.task = what, .fraction = fraction};
  if (const auto since = static_cast<double>(done - done_at_begin_); since > 0 && seconds > 0) {
    p.images_per_second = since / seconds;
    p.seconds_left = static_cast<double>(total - done) / since * seconds;
  }
  show(p, done == total);
}

void ConsoleObserver::on_epoch(const EpochReport& r) {
  if (r.validation) training_.clean = r.validation->clean, training_.robust = r.validation->robust;
  const std::string count = fmt::format("{}/{}", r.epoch, r.epochs);
  line(fmt::format("{:>7} {:>8.4f} {} {:>8.4g} {:>9.0f} {:>8}{}", count, r.train_loss, accuracy(r.validation), r.lr,
                   r.images_per_second, clock_text(r.seconds + r.validation_seconds),
                   r.best ? ink(terminal_, Ink::green, "  best") : ""));
  if (r.ema) line(fmt::format("{:>16} {}", "EMA", accuracy(r.ema)));
  if (r.swa) line(fmt::format("{:>16} {}", "SWA", accuracy(r.swa)));
}

void ConsoleObserver::on_plans(const PlansMade& made) {
  line(fmt::format("chose {} convolution plans in {:.1f} s", made.count, made.seconds));
}

void ConsoleObserver::on_warning(const std::string& text) {
  clear();
  if (verbosity_ == Verbosity::normal) err_ << ink(terminal_, Ink::orange, "warning: ") << printable(text) << std::endl;
}

void ConsoleObserver::on_end(const EndReport& r) {
  clear();
  line(ink(terminal_, Ink::soft, fmt::format("  a step took {} MB at most", (r.peak_bytes + (1 << 20) - 1) >> 20)));
  if (r.outcome == "finished" || r.outcome == "interrupted") return;
  line(fmt::format("ended after epoch {}: {}", r.epochs, r.outcome));
}

void ConsoleObserver::on_test(const EndReport& r) {
  line("trained in " + duration(r.train_seconds) + "; now the test images, once");
}

}  // namespace temper
