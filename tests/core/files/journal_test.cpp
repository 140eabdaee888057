#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "core/files/file.h"
#include "core/text.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;

namespace {

// The size that a file may have at most: what a full disk is for a test. SIGXFSZ would end the process.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
    std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, SIG_DFL);
  }

 private:
  rlimit before_{};
};

ino_t inode(const std::string& file) {
  struct stat info {};
  ::stat(file.c_str(), &info);
  return info.st_ino;
}

}  // namespace

TEST_CASE("a journal goes on behind the lines it is given", "[files]") {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("j");
  {
    Journal j(file, {"a", "b"});
    j.add("c");
    j.sync();
  }
  CHECK(read_lines(file) == std::vector<std::string>{"a", "b", "c"});
  const ino_t first = inode(file);
  { Journal same(file, {"a", "b", "c"}); }
  CHECK(inode(file) == first);
  { Journal less(file, {"a"}); }
  CHECK(inode(file) != first);  // replaced, so that at no moment the file had less
  CHECK(read_text(file) == "a\n");
  CHECK(read_lines(folder.file("none")).empty());
}

TEST_CASE("a line that does not fit is not begun, and the next one is written again", "[files][errors]") {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("j");
  Journal j(file, {"0123456789"});
  {
    const FileSizeLimit full(15);
    CHECK_THROWS_WITH(j.add("abcdefgh"), ContainsSubstring(file + ": cannot be written: File too large"));
    CHECK_THROWS_AS(write_text_atomically(file, "something longer than fifteen"), FileError);
  }
  j.add("abc");
  CHECK(read_text(file) == "0123456789\nabc\n");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("what a killed process left half-written is removed, and nothing else", "[files]") {
  const test::TemporaryFolder folder;
  for (const char* name : {"a.part17", "b.json.part17-3", "c.partial", "d.part", "part1"})
    write_text_atomically(folder.file(name), "x");
  remove_unfinished(folder.path().string());
  for (const char* name : {"c.partial", "part1"}) CHECK(std::filesystem::exists(folder.file(name)));
  for (const char* name : {"a.part17", "b.json.part17-3", "d.part"})
    CHECK_FALSE(std::filesystem::exists(folder.file(name)));
  remove_unfinished(folder.file("no such folder"));
}

TEST_CASE("a second name replaces what had it, and both name the file", "[files]") {
  const test::TemporaryFolder folder;
  write_text_atomically(folder.file("last"), "new");
  write_text_atomically(folder.file("previous"), "old");
  name_also(folder.file("last"), folder.file("previous"));
  CHECK(read_text(folder.file("last")) == "new");
  CHECK(read_text(folder.file("previous")) == "new");
  name_also(folder.file("last"), folder.file("previous"));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);
  write_text_atomically(folder.file("last"), "newer");
  CHECK(read_text(folder.file("previous")) == "new");
}

TEST_CASE("what is no file is not waited for", "[files][errors]") {
  const test::TemporaryFolder folder;
  ::mkfifo(folder.file("pipe").c_str(), 0644);
  for (const std::string& file : {folder.file("pipe"), std::string("/dev/zero")}) {
    CHECK_THROWS_WITH(read_file(file), file + ": cannot be read; expected a file, got a pipe, a device or a socket");
    CHECK_THROWS_AS(read_text(file), FileError);
  }
  CHECK_THROWS_WITH(read_text(folder.path().string()), ContainsSubstring("expected a file, got a folder"));
  write_text_atomically(folder.file("long"), "x");
  std::filesystem::resize_file(folder.file("long"), (uintmax_t{1} << 30) + 1);
  CHECK_THROWS_WITH(read_text(folder.file("long")), ContainsSubstring("at most 1 GB, got 1073741825 bytes"));
}

TEST_CASE("printable text has nothing that a terminal obeys", "[text]") {
  CHECK(printable("plain, \xc3\xa9 and \xe2\x88\x9e\n\tand \xf0\x9f\x90\x8e") ==
        "plain, \xc3\xa9 and \xe2\x88\x9e\n\tand \xf0\x9f\x90\x8e");
  CHECK(printable("\x1b[31mred\r\a\x7f") == "?[31mred???");
  CHECK(printable("\xc2\x9b"
                  "31m") == "?31m");  // the control sequence introducer as one character
  CHECK(printable("a\xe2\x80\xae"
                  "b\xe2\x81\xa6"
                  "c") == "a?b?c");                                  // turn the direction of writing
  CHECK(printable("\xff\xc0\x80\xed\xa0\x80\xe2\x82") == "??????");  // a surrogate is one fault
}
