#include "tests/program_fixture.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <regex>

#include "core/files/file.h"
#include "core/files/npz.h"
#include "temper_program.h"

namespace temper::test {

namespace {

namespace fs = std::filesystem;

// Stripes whose direction is the label, and a little that differs from image to image.
std::vector<NamedArray> stripes(const std::string& split, int64_t count) {
  constexpr int64_t kSide = 12;
  NamedArray images{split + "_images", DType::u8, {count, kSide, kSide, 1}, {}};
  NamedArray labels{split + "_labels", DType::i64, {count}, std::vector<char>(static_cast<size_t>(count) * 8)};
  for (int64_t i = 0; i < count; ++i) {
    const int64_t label = i % 2;
    std::memcpy(labels.bytes.data() + 8 * i, &label, 8);
    for (int64_t y = 0; y < kSide; ++y)
      for (int64_t x = 0; x < kSide; ++x)
        images.bytes.push_back(static_cast<char>(((label ? x : y) + i / 2) % 4 * 50 + (i * 7 + x * y) % 40));
  }
  return {images, labels};
}

std::string without_clock(const std::string& text) {
  static const std::regex json(
      R"re("(seconds|validation_seconds|train_seconds|images_per_second|command)": ?[^,}\n]*)re");
  return std::regex_replace(text, json, "\"$1\":0");
}

// The columns of metrics.csv but seconds and images_per_second.
std::string csv_without_clock(const std::string& text) {
  static const std::regex columns(R"re(,[^,\n]*,[^,\n]*(,[^,\n]*\n))re");
  return std::regex_replace(text, columns, "$1");
}

// A resumed run may have warned, as an uninterrupted one did not.
std::string without_warnings(const std::string& text) {
  static const std::regex warning(R"re(\{"event":"warning"[^\n]*\n)re");
  return std::regex_replace(text, warning, "");
}

}  // namespace

bool program_is_built() { return fs::exists(TEMPER_PROGRAM); }

Program::Program(const std::vector<std::string>& args, const fs::path& logs,
                 const std::vector<std::string>& environment) {
  static std::atomic<int> count{0};
  log_ = logs / cat("program_", ++count, ".log");
  std::vector<std::string> all{TEMPER_PROGRAM};
  all.insert(all.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (std::string& a : all) argv.push_back(a.data());
  argv.push_back(nullptr);
  std::vector<std::string> variables = environment;
  for (char** v = ::environ; *v; ++v) variables.push_back(*v);
  std::vector<char*> env;
  for (std::string& v : variables) env.push_back(v.data());
  env.push_back(nullptr);
  id_ = ::fork();
  if (id_ != 0) return;
  const int log = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::close(log);
  ::signal(SIGHUP, SIG_DFL);  // nohup, for one, hands it on ignored
  ::execve(argv[0], argv.data(), env.data());
  ::_exit(127);
}

bool Program::running() {
  if (!ended_) ended_ = ::waitpid(id_, &status_, WNOHANG) == id_;
  return !ended_;
}

Ended Program::wait() {
  if (!ended_) ::waitpid(id_, &status_, 0);
  ended_ = true;
  Ended e{.code = WIFEXITED(status_) ? WEXITSTATUS(status_) : -1,
          .signal = WIFSIGNALED(status_) ? WTERMSIG(status_) : 0,
          .output = read_text(log_.string())};
  return e;
}

void Program::send(int signal) const { ::kill(id_, signal); }

std::string write_short_run(const fs::path& folder) {
  std::vector<NamedArray> arrays = stripes("train", 56), test = stripes("test", 16);
  arrays.insert(arrays.end(), test.begin(), test.end());
  const fs::path data = folder / "stripes.npz", config = folder / "short.yaml";
  save_npz(data.string(), arrays);
  write_text_atomically(config.string(), cat("seed: 3\nthreads: 1\ndata: {name: npz, path: ", data.string(),
                                             ", validation: 16}\n"
                                             "model: {name: small_cnn, widths: [4, 4, 4, 4, 4]}\n"
                                             "trainer: {name: pgd_at, attack: {steps: 1}}\n"
                                             "loop: {epochs: 2, batch_size: 4, log_every: 1, checkpoint_steps: 4}\n"
                                             "ema: {decay: 0.9}\n"
                                             "evaluation:\n"
                                             "  batch_size: 16\n"
                                             "  validation: {name: pgd, steps: 1}\n"
                                             "  attacks: {pgd: {name: pgd, steps: 1}}\n"));
  return config.string();
}

std::map<std::string, std::string> record_of(const fs::path& run) {
  std::map<std::string, std::string> record;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().lexically_relative(run).string();
    std::string text = read_text(entry.path().string());
    if (name == "metrics.jsonl") text = without_warnings(text);
    if (name == "metrics.csv") text = csv_without_clock(text);
    // The report holds times of everything, the environment when it was: that they are there is what counts.
    if (name == "report.html" || name == "environment.json") text = text.empty() ? "empty" : "written";
    record[name] = without_clock(text);
  }
  return record;
}

std::vector<std::string> differences(const std::map<std::string, std::string>& record,
                                     const std::map<std::string, std::string>& other) {
  std::vector<std::string> out;
  for (const auto& [name, text] : record)
    if (!other.contains(name) || other.at(name) != text) out.push_back(name);
  for (const auto& [name, text] : other)
    if (!record.contains(name)) out.push_back("left over: " + name);
  return out;
}

}  // namespace temper::test
