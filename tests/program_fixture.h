#pragma once
// The temper program as a process of its own, and a run that takes it a moment.
#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace temper::test {

/// Whether the program lies where it was built; the tests may have been carried elsewhere.
bool program_is_built();

struct Ended {
  int code = -1;       ///< the exit code; -1: a signal ended it
  int signal = 0;      ///< that signal
  std::string output;  ///< of both streams
};

/// A process of the program. `environment` are "NAME=value" beside this process's own.
class Program {
 public:
  /// Output goes to a file in `logs`.
  Program(const std::vector<std::string>& args, const std::filesystem::path& logs,
          const std::vector<std::string>& environment = {});
  Ended wait();
  bool running();
  void send(int signal) const;
  pid_t id() const { return id_; }

 private:
  pid_t id_;
  int status_ = 0;
  bool ended_ = false;
  std::filesystem::path log_;
};

/// Settings of a run of 20 steps, two epochs of ten, which saves every fourth. Writes configuration and data into
/// `folder`.
std::string write_short_run(const std::filesystem::path& folder);

/// What a finished run leaves, file by file, without what a clock says: equal for equal runs.
std::map<std::string, std::string> record_of(const std::filesystem::path& run);

/// The names of `record` that differ or are missing, for messages.
std::vector<std::string> differences(const std::map<std::string, std::string>& record,
                                     const std::map<std::string, std::string>& other);

}  // namespace temper::test
