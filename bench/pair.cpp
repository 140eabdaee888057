#include "bench/pair.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <ostream>
#include <sstream>

#include "kernels/runtime/check.h"

namespace temper::bench {

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// A temper-bench that waits for orders.
class Server {
 public:
  Server(const std::string& command, const std::vector<std::string>& arguments) : command_(command) {
    std::vector<std::string> words;
    std::istringstream in(command);
    for (std::string w; in >> w;) words.push_back(w);
    words.insert(words.begin() + std::min<size_t>(1, words.size()), arguments.begin(), arguments.end());
    words.push_back("--serve");
    std::vector<char*> argv;
    for (std::string& w : words) argv.push_back(w.data());
    argv.push_back(nullptr);
    int to[2], from[2];
    TEMPER_CHECK(pipe(to) == 0 && pipe(from) == 0, "compare: no pipe could be made");
    pid_ = fork();
    TEMPER_CHECK(pid_ >= 0, "compare: no process could be started");
    if (pid_ == 0) {
      dup2(to[0], STDIN_FILENO);
      dup2(from[1], STDOUT_FILENO);
      for (const int fd : {to[0], to[1], from[0], from[1]}) close(fd);
      execvp(argv[0], argv.data());
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    out_ = fdopen(to[1], "w");
    in_ = fdopen(from[0], "r");
  }
  ~Server() {
    std::fputs("quit\n", out_);
    std::fclose(out_);
    std::fclose(in_);
    waitpid(pid_, nullptr, 0);
  }
  Server(const Server&) = delete;

  std::string ask(const std::string& line) {
    std::fprintf(out_, "%s\n", line.c_str());
    std::fflush(out_);
    return read();
  }
  std::string read() {
    std::string answer;
    for (int c = std::fgetc(in_); c != '\n'; c = std::fgetc(in_)) {
      TEMPER_CHECK(c != EOF, "compare: '", command_,
                   "' gave no answer; it has to be a temper-bench that knows --serve");
      answer += static_cast<char>(c);
    }
    TEMPER_CHECK(answer.rfind("error ", 0) != 0, "compare: '", command_, "': ", answer.substr(6));
    return answer;
  }
  std::vector<std::string> list() {
    std::vector<std::string> names(std::stoul(ask("list")));
    for (std::string& n : names) n = read();
    return names;
  }
  int prepare(const std::string& name) {
    const std::string answer = ask("case " + name);
    TEMPER_CHECK(answer.rfind("ready ", 0) == 0, "compare: '", command_, "' answered '", answer, "'");
    return std::stoi(answer.substr(6));
  }
  double run(int runs) { return std::stod(ask(cat("run ", runs))); }

 private:
  std::string command_;
  pid_t pid_;
  FILE *out_, *in_;
};

struct Samples {
  std::vector<double> base, now;
};

/// Pairs of samples of one case until something is decided or the time is over.
void sample(Server& base, Server& next, const std::string& name, double seconds, const CompareOptions& options,
            Samples& into) {
  constexpr int kFewestRuns = 10;  // a planted slow-down is one run in several
  constexpr size_t kFewestPairs = 20;
  const int runs = std::max({base.prepare(name), next.prepare(name), kFewestRuns});
  base.run(runs);
  next.run(runs);
  const size_t had = into.base.size();
  for (const double start = now(); now() - start < seconds;) {
    // ABBA: what drifts evenly cancels.
    const bool swapped = into.base.size() % 2 == 1;
    Server &first = swapped ? next : base, &second = swapped ? base : next;
    const double a = first.run(runs), b = second.run(runs);
    into.base.push_back(swapped ? b : a);
    into.now.push_back(swapped ? a : b);
    const size_t pairs = into.base.size() - had;
    if (pairs < kFewestPairs || pairs % kFewestPairs != 0) continue;
    if (compare_samples(into.base, into.now, true, options).verdict != Verdict::unsure) return;
  }
}

}  // namespace

PairReports measure_pair(const PairOptions& options, std::ostream& log) {
  std::map<std::string, Samples> samples;
  std::vector<std::string> order;
  for (int i = 0; i < options.restarts; ++i) {
    Server base(options.base, options.arguments), next(options.now, options.arguments);
    const std::vector<std::string> names = base.list(), others = next.list();
    order.clear();
    for (const std::string& n : names)
      if (std::find(others.begin(), others.end(), n) != others.end()) order.push_back(n);
    TEMPER_CHECK(!order.empty(), "compare: the two programs have no case in common");
    for (const std::string& n : order)
      sample(base, next, n, options.timeout / options.restarts, options.compare, samples[n]);
  }
  const Report empty{.suite = options.arguments.empty() ? "" : options.arguments.front(),
                     .session = fmt::format("{}-{:.6f}", getpid(), now())};
  PairReports out{empty, empty};
  for (const std::string& n : order) {
    const Samples& s = samples[n];
    out.base.results.push_back({.name = n, .times = {{"hot", {s.base, "pairs"}}}});
    out.now.results.push_back({.name = n, .times = {{"hot", {s.now, "pairs"}}}});
    log << n << ": " << s.base.size() << " pairs" << std::endl;
  }
  return out;
}

}  // namespace temper::bench
