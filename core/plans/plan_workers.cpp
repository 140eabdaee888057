#include "core/plans/plan_workers.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <utility>

#include "core/files/json.h"
#include "kernels/runtime/check.h"

extern char** environ;

namespace temper {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ConvSearch, workspace, most, without)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PlanRefusals, proposed, nondeterministic, imprecise, too_large, wrong, failed,
                                   least_workspace, last_failure)

namespace {

using Json = nlohmann::json;

constexpr const char* kArgument = "--serve-plans";
constexpr int kPatience = 120;  ///< seconds for one key

Json to_json(const ConvKey& k) {
  const ConvShape& g = k.shape;
  return {g.n,         g.h,         g.w,    g.c,        g.k,    g.r,    g.s,          g.stride,     g.pad,
          int(k.type), int(k.pass), k.bias, k.residual, k.relu, k.mask, k.accumulate, k.statistics, k.alignment};
}

ConvKey key_of(const Json& j) {
  const auto n = [&](size_t i) { return j.at(i).get<int64_t>(); };
  const auto flag = [&](size_t i) { return j.at(i).get<bool>(); };
  return {
      .shape =
          {.n = n(0), .h = n(1), .w = n(2), .c = n(3), .k = n(4), .r = n(5), .s = n(6), .stride = n(7), .pad = n(8)},
      .type = static_cast<ConvType>(n(9)),
      .pass = static_cast<ConvPass>(n(10)),
      .bias = flag(11),
      .residual = flag(12),
      .relu = flag(13),
      .mask = flag(14),
      .accumulate = flag(15),
      .statistics = flag(16),
      .alignment = n(17)};
}

Json answer(ConvEngines& engines, const std::string& question) {
  try {
    const Json asked = parse_json<Json>(question);
    PlanRefusals refusals;
    Json plans = Json::array();
    for (const auto& plan : engines.find(key_of(asked.at("key")), asked.at("search").get<ConvSearch>(), refusals))
      plans.push_back(plan->text());
    return {{"plans", plans}, {"refusals", refusals}};
  } catch (const std::exception& e) {
    return {{"error", e.what()}};
  }
}

std::string& program_of_this_process() {
  static std::string program;
  return program;
}

}  // namespace

/// One process, at the other end of a socket that is its standard input and output.
class PlanWorkers::Worker {
 public:
  explicit Worker(const std::string& program) {
    int ends[2];
    TEMPER_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "no socket: ", std::strerror(errno));
    socket_ = ends[0];
    const timeval patience{.tv_sec = kPatience, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    char* const words[] = {const_cast<char*>(program.c_str()), const_cast<char*>(kArgument), nullptr};
    const int error = posix_spawn(&process_, program.c_str(), &actions, nullptr, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (error == 0) return;
    close(socket_);
    fail(program, " cannot be started: ", std::strerror(error));
  }
  /// It holds nothing that could be lost.
  ~Worker() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    close(socket_);
  }
  Worker(const Worker&) = delete;

  Json ask(const Json& question) {
    send(question.dump() + "\n");
    return parse_json<Json>(line());
  }

 private:
  void send(const std::string& text) {
    for (size_t sent = 0; sent < text.size();) {
      const ssize_t n = ::send(socket_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      TEMPER_CHECK(n > 0 || errno == EINTR, "it ended before it was asked");
      if (n > 0) sent += static_cast<size_t>(n);
    }
  }
  std::string line() {
    std::string text;
    std::vector<char> part(1 << 16);
    while (text.empty() || text.back() != '\n') {
      const ssize_t n = recv(socket_, part.data(), part.size(), 0);
      TEMPER_CHECK(n >= 0 || errno != EAGAIN, "it did not answer within ", kPatience, " s");
      TEMPER_CHECK(n > 0 || (n < 0 && errno == EINTR), "it ended before it answered");
      if (n > 0) text.append(part.data(), static_cast<size_t>(n));
    }
    return text;
  }

  pid_t process_ = 0;
  int socket_ = -1;
};

PlanWorkers::PlanWorkers(std::string program, ConvEngines& engines) : program_(std::move(program)), engines_(engines) {}
PlanWorkers::~PlanWorkers() = default;

std::unique_ptr<PlanWorkers::Worker> PlanWorkers::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Worker> worker = std::move(idle_.back());
      idle_.pop_back();
      return worker;
    }
  }
  return std::make_unique<Worker>(program_);
}

std::vector<std::unique_ptr<ConvPlan>> PlanWorkers::find(const ConvKey& key, const ConvSearch& search,
                                                         PlanRefusals& refusals) {
  try {
    std::unique_ptr<Worker> worker = take();
    const Json answer = worker->ask({{"key", to_json(key)}, {"search", search}});
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(worker));
    }
    if (answer.contains("error")) fail(answer.at("error").get<std::string>());
    std::vector<std::unique_ptr<ConvPlan>> plans;
    for (const Json& text : answer.at("plans")) plans.push_back(engines_.load(key, text.get<std::string>()));
    refusals = answer.at("refusals").get<PlanRefusals>();
    return plans;
  } catch (const std::exception& e) {
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) failure_ = e.what();
  }
  return engines_.find(key, search, refusals);
}

void serve_plans(ConvEngines& engines, std::istream& in, std::ostream& out) {
  for (std::string question; std::getline(in, question);) out << answer(engines, question) << std::endl;
}

std::optional<int> serve_plans(int argc, char** argv) {
  if (argc != 2 || std::string(argv[1]) != kArgument) {
    std::error_code none;
    program_of_this_process() = std::filesystem::read_symlink("/proc/self/exe", none).string();
    return std::nullopt;
  }
#if defined(TEMPER_CUDA)
  try {
    const std::unique_ptr<ConvEngines> engines = make_cuda_engines();
    serve_plans(*engines, std::cin, std::cout);
    return 0;
  } catch (const std::exception& e) {
    std::cout << Json{{"error", e.what()}} << std::endl;
  }
#else
  std::cout << Json{{"error", "this build has no CUDA back end"}} << std::endl;
#endif
  return 1;
}

const std::string& plan_program() { return program_of_this_process(); }

}  // namespace temper
