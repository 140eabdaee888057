#include "trainers/records/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/files/file.h"

namespace temper {

namespace {

std::string this_process() {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return cat("process ", ::getpid(), " on ", host);
}

// The text that the holder wrote, if it has written any yet.
std::string holder(int fd) {
  char text[320] = {};
  const ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
  return n > 0 ? text : "another process";
}

}  // namespace

RunLock::RunLock(RunFolder folder) : folder_(std::move(folder)) {
  const std::string path = folder_.lock().string(), root = folder_.root.string();
  std::error_code failed;
  made_ = std::filesystem::create_directories(folder_.root, failed);
  TEMPER_CHECK(!failed, root, ": the folder cannot be made: ", failed.message());
  do {
    if (fd_ >= 0) ::close(fd_);  // of a file that its holder has removed since
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
    TEMPER_CHECK(fd_ >= 0, root, ": the folder of a run cannot be written: ", std::strerror(errno));
    if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) continue;
    if (errno == EWOULDBLOCK) {
      const std::string who = holder(fd_);
      ::close(fd_);
      fail(root, ": ", who, " is using this folder; wait until it ends, or choose another folder");
    }
    warning_ = cat(root, ": this file system has no locks (", std::strerror(errno),
                   "), so nothing keeps another process out of this folder");
  } while (!is_ours());
  const std::string me = this_process();
  if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, me.data(), me.size(), 0) < 0) {
    // Without it, only the error message of another process lacks details.
  }
  remove_unfinished(root);
  remove_unfinished(folder_.checkpoints().string());
}

RunLock::~RunLock() {
  std::error_code ignored;
  if (is_ours()) std::filesystem::remove(folder_.lock(), ignored);
  ::close(fd_);
  if (made_) ::rmdir(folder_.root.c_str());  // fails where anything lies in it
}

bool RunLock::is_ours() const {
  struct stat held {
  }, there{};
  return ::fstat(fd_, &held) == 0 && ::lstat(folder_.lock().c_str(), &there) == 0 && held.st_ino == there.st_ino &&
         held.st_dev == there.st_dev;
}

void RunLock::check_in_place() const {
  TEMPER_CHECK(is_ours(), folder_.root.string(),
               ": the folder of this run was moved or removed while it ran; put it back where it was and continue with "
               "--resume");
}

}  // namespace temper
