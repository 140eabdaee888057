#pragma once
#include <string>

#include "trainers/records/run_folder.h"

namespace TEMPER_API temper {

/// A run folder while one process works in it. The lock ends with the process, however that ends; whoever takes it
/// finds the folder without half-written files.
class RunLock {
 public:
  /// Makes the folder where there is none. Throws Error if it cannot be written, or naming the process if another
  /// one works in it.
  explicit RunLock(RunFolder folder);
  /// Gives the folder back, and takes it away if it was made for this and is still empty.
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  const RunFolder& folder() const { return folder_; }
  /// Throws Error if the folder no longer is where it was: what is written from now on would be in another place than
  /// what was written before.
  void check_in_place() const;
  /// Not empty where the file system has no locks, so that another process would not be noticed.
  const std::string& warning() const { return warning_; }

 private:
  bool is_ours() const;
  RunFolder folder_;
  std::string warning_;
  bool made_ = false;
  int fd_ = -1;
};

}  // namespace temper
