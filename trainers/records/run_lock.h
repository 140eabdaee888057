#pragma once
#include <string>

#include "trainers/records/run_folder.h"

namespace TEMPER_API temper {

/// A lock of a run folder for one process. It ends with the process, even if that is killed. Taking it removes
/// half-written files.
class RunLock {
 public:
  /// Makes the folder if it does not exist. Throws Error if it is not writable, or, naming the process, if another one
  /// works in it.
  explicit RunLock(RunFolder folder);
  /// Releases the lock, and removes the folder if this lock made it and it is still empty.
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  const RunFolder& folder() const { return folder_; }
  /// Throws Error if the folder was moved or removed, so that new files would be in another place than the earlier
  /// ones.
  void check_in_place() const;
  /// A warning if the file system has no locks, so that another process would not be noticed; else empty.
  const std::string& warning() const { return warning_; }

 private:
  bool is_ours() const;
  RunFolder folder_;
  std::string warning_;
  bool made_ = false;
  int fd_ = -1;
};

}  // namespace temper
