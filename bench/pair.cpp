#include "bench/pair.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

/// One case by two programs that have just started: samples in turn for so many seconds, and their medians. What one
/// start happens to have, such as where its memory lies, is in all of its samples alike: together they count as one.
std::array<double, 2> sample(std::array<Server*, 2> programs, const std::string& name, double seconds) {
  int runs = 0;
  for (Server* p : programs) runs = std::max(runs, p->prepare(name));
  for (Server* p : programs) p->run(runs);
  std::array<std::vector<double>, 2> samples;
  // ABBA: what drifts evenly cancels.
  for (const double start = now(); samples[0].size() % 2 == 1 || samples[0].empty() || now() - start < seconds;) {
    const int first = static_cast<int>(samples[0].size() % 2);
    for (const int i : {first, 1 - first}) samples[i].push_back(programs[i]->run(runs));
  }
  return {median(samples[0]), median(samples[1])};
}

std::vector<std::string> common_cases(Server& base, Server& next) {
  const std::vector<std::string> others = next.list();
  std::vector<std::string> names = base.list();
  std::erase_if(names, [&](const auto& n) { return std::find(others.begin(), others.end(), n) == others.end(); });
  TEMPER_CHECK(!names.empty(), "compare: the two programs have no case in common");
  return names;
}

}  // namespace

PairReports measure_pair(const PairOptions& options, std::ostream& log) {
  struct Samples {
    std::vector<double> base, now;
  };
  std::map<std::string, Samples> samples;
  std::vector<std::string> names, open;
  for (int i = 0; i < options.restarts && (i == 0 || !open.empty()); ++i) {
    // Each starts first in turn: which one does can change its time.
    const bool turned = i % 2 == 1;
    Server first(turned ? options.now : options.base, options.arguments);
    Server second(turned ? options.base : options.now, options.arguments);
    if (i == 0) names = open = common_cases(first, second);
    for (const std::string& n : open) {
      const auto [a, b] = sample({&first, &second}, n, options.timeout / options.restarts);
      samples[n].base.push_back(turned ? b : a);
      samples[n].now.push_back(turned ? a : b);
    }
    if (!turned && i + 1 < options.restarts) continue;
    std::erase_if(open, [&](const std::string& n) {
      return compare_samples(samples[n].base, samples[n].now, true, options.compare).verdict != Verdict::unsure;
    });
  }
  const Report empty{.suite = options.arguments.empty() ? "" : options.arguments.front(),
                     .session = fmt::format("{}-{:.6f}", getpid(), now())};
  PairReports out{empty, empty};
  for (const std::string& n : names) {
    const Samples& s = samples[n];
    out.base.results.push_back({.name = n, .times = {{"hot", {s.base, "pairs"}}}});
    out.now.results.push_back({.name = n, .times = {{"hot", {s.now, "pairs"}}}});
    log << n << ": " << s.base.size() << " starts" << std::endl;
  }
  return out;
}

}  // namespace temper::bench
