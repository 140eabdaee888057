// Loaded before a program (LD_PRELOAD), makes the n-th call of a kind fail, and those after it as long as told:
//   TEMPER_FAIL=files|memory   calls that concern files, or that ask for memory
//   TEMPER_FAIL_BELOW=FOLDER   files in that folder count, and memory from the moment that one of them is opened
//   TEMPER_FAIL_AT=N           the first call that fails, from 1; 0: none
//   TEMPER_FAIL_CALLS=M        how many fail
//   TEMPER_FAIL_COUNT=FILE     where the number of calls is written at the end
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

struct Plan {
  bool files = std::strcmp(variable("TEMPER_FAIL"), "files") == 0;
  bool memory = std::strcmp(variable("TEMPER_FAIL"), "memory") == 0;
  const char* below = variable("TEMPER_FAIL_BELOW");
  long at = std::atol(variable("TEMPER_FAIL_AT"));
  long calls = std::atol(variable("TEMPER_FAIL_CALLS"));
  std::atomic<long> count{0};
  std::atomic<bool> begun{false};

  ~Plan() {
    const char* file = variable("TEMPER_FAIL_COUNT");
    files = memory = false;
    if (!*file) return;
    if (FILE* out = std::fopen(file, "w")) {
      std::fprintf(out, "%ld\n", count.load());
      std::fclose(out);
    }
  }
  bool fails_now() {
    const long n = ++count;
    return at > 0 && n >= at && n < at + calls;
  }
};

Plan& plan() {
  static Plan p;
  return p;
}

bool below(const char* path) {
  const size_t n = std::strlen(plan().below);
  const bool is = n > 0 && std::strncmp(path, plan().below, n) == 0;
  if (is) plan().begun = true;
  return is;
}

bool below(int fd) {
  char link[64], path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = ::readlink(link, path, sizeof path - 1);
  if (n <= 0) return false;
  path[n] = '\0';
  return below(path);
}

template <class Where>
bool file_fails(Where where, int reason) {
  if (!below(where) || !plan().files || !plan().fails_now()) return false;
  errno = reason;
  return true;
}

bool memory_fails() { return plan().memory && plan().begun && plan().fails_now(); }

template <class F>
F real(const char* name) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

void* allocate(size_t bytes) {
  void* p = memory_fails() ? nullptr : std::malloc(bytes ? bytes : 1);
  if (!p) throw std::bad_alloc();
  return p;
}

void* allocate(size_t bytes, std::align_val_t alignment) {
  const auto a = static_cast<size_t>(alignment);
  void* p = memory_fails() ? nullptr : std::aligned_alloc(a, (bytes + a - 1) / a * a);
  if (!p) throw std::bad_alloc();
  return p;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  static const auto next = real<int (*)(const char*, int, ...)>("open");
  return file_fails(path, flags & O_CREAT ? ENOSPC : EIO) ? -1 : next(path, flags, mode);
}

ssize_t read(int fd, void* to, size_t bytes) {
  static const auto next = real<ssize_t (*)(int, void*, size_t)>("read");
  return file_fails(fd, EIO) ? -1 : next(fd, to, bytes);
}

ssize_t write(int fd, const void* from, size_t bytes) {
  static const auto next = real<ssize_t (*)(int, const void*, size_t)>("write");
  if (!file_fails(fd, ENOSPC)) return next(fd, from, bytes);
  if (bytes > 1) next(fd, from, bytes / 2);  // as a disk that fills up
  errno = ENOSPC;
  return -1;
}

int fsync(int fd) {
  static const auto next = real<int (*)(int)>("fsync");
  return file_fails(fd, EIO) ? -1 : next(fd);
}

int ftruncate(int fd, off_t size) {
  static const auto next = real<int (*)(int, off_t)>("ftruncate");
  return file_fails(fd, EIO) ? -1 : next(fd, size);
}

int rename(const char* from, const char* to) {
  static const auto next = real<int (*)(const char*, const char*)>("rename");
  return file_fails(from, ENOSPC) ? -1 : next(from, to);
}

int link(const char* from, const char* to) {
  static const auto next = real<int (*)(const char*, const char*)>("link");
  return file_fails(from, EPERM) ? -1 : next(from, to);
}

int mkdir(const char* path, mode_t mode) {
  static const auto next = real<int (*)(const char*, mode_t)>("mkdir");
  return file_fails(path, ENOSPC) ? -1 : next(path, mode);
}

void* mmap(void* at, size_t bytes, int protection, int flags, int fd, off_t offset) {
  static const auto next = real<void* (*)(void*, size_t, int, int, int, off_t)>("mmap");
  if (!(flags & MAP_ANONYMOUS) || !memory_fails()) return next(at, bytes, protection, flags, fd, offset);
  errno = ENOMEM;
  return MAP_FAILED;
}

}  // extern "C"

void* operator new(size_t bytes) { return allocate(bytes); }
void* operator new[](size_t bytes) { return allocate(bytes); }
void* operator new(size_t bytes, std::align_val_t a) { return allocate(bytes, a); }
void* operator new[](size_t bytes, std::align_val_t a) { return allocate(bytes, a); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t, std::align_val_t) noexcept { std::free(p); }
