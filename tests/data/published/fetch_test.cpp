#include "data/published/fetch.h"

#include <zlib.h>

#include <cstring>
#include <fstream>

#include "data/statistics.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/skip.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;
namespace fs = std::filesystem;

namespace {

using Bytes = std::vector<uint8_t>;

void write(const std::string& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Bytes read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Bytes gz(const Bytes& bytes, const std::string& scratch) {
  gzFile file = gzopen(scratch.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return read(scratch);
}

void add_to_tar(Bytes& tar, const std::string& name, const Bytes& content, char type = '0') {
  Bytes header(512, 0);
  std::memcpy(header.data(), name.data(), name.size());
  std::snprintf(reinterpret_cast<char*>(header.data()) + 124, 12, "%011zo", content.size());
  header[156] = static_cast<uint8_t>(type);
  std::memcpy(header.data() + 257, "ustar", 6);
  tar.insert(tar.end(), header.begin(), header.end());
  tar.insert(tar.end(), content.begin(), content.end());
  tar.resize((tar.size() + 511) / 512 * 512, 0);
}

std::string sha_of(const Bytes& bytes) { return sha256(bytes.data(), bytes.size()); }

/// A published set whose "server" is a folder.
struct Server {
  test::TemporaryFolder folder;
  std::string to = folder.file("to");
  Bytes one = Bytes(3000, 1), two = Bytes(700, 2), packed;
  Published set{.name = "toy", .folder = "toy-bin", .files = {{"one.bin", sha_of(one), 3000}, {"two.bin", "", 1000}}};

  Server() {
    Bytes tar;
    add_to_tar(tar, "toy-bin/", {}, '5');
    add_to_tar(tar, "toy-bin/one.bin", one);
    add_to_tar(tar, "toy-bin/two.bin", two);
    add_to_tar(tar, "elsewhere/one.bin", {6, 6, 6});  // of the same name, not of the same folder
    tar.resize(tar.size() + 1024, 0);
    packed = gz(tar, folder.file("toy.tar.gz"));
    set.downloads = {{"file://" + folder.file("toy.tar.gz"), sha_of(packed), packed.size()}};
  }
};

}  // namespace

TEST_CASE("an archive is fetched, checked, unpacked once", "[data]") {
  if (!can_fetch()) TEMPER_SKIP_ON_HOST("built without libcurl");
  Server server;
  int64_t seen = 0;
  const auto files = fetch(server.set, server.to, [&](const std::string&, int64_t done, int64_t) { seen = done; });
  CHECK(files == std::vector<std::string>{server.to + "/one.bin", server.to + "/two.bin"});
  CHECK(read(files[0]) == server.one);
  CHECK(read(files[1]) == server.two);
  CHECK(seen == static_cast<int64_t>(server.packed.size()));
  CHECK(std::distance(fs::directory_iterator(server.to), {}) == 2);
  fs::remove(server.folder.file("toy.tar.gz"));
  CHECK(fetch(server.set, server.to) == files);  // nothing left to download
}

TEST_CASE("an interrupted download goes on where it stopped", "[data]") {
  if (!can_fetch()) TEMPER_SKIP_ON_HOST("built without libcurl");
  for (const size_t had : {size_t{0}, size_t{40}}) {
    Server server;
    fs::create_directories(server.to);
    write(server.to + "/toy.tar.gz.part", Bytes(server.packed.begin(), server.packed.begin() + had));
    CHECK(fetch(server.set, server.to).size() == 2);
  }
  Server server;  // more than there is: from the start
  fs::create_directories(server.to);
  write(server.to + "/toy.tar.gz.part", Bytes(server.packed.size() + 5, 7));
  CHECK(fetch(server.set, server.to).size() == 2);
}

TEST_CASE("a complete archive put in place by hand needs no network", "[data]") {
  Server server;
  server.set.downloads[0].url = "https://127.0.0.1:9/toy.tar.gz";
  fs::create_directories(server.to);
  write(server.to + "/toy.tar.gz", server.packed);
  CHECK(fetch(server.set, server.to).size() == 2);
}

TEST_CASE("single packed files are fetched and kept packed", "[data]") {
  if (!can_fetch()) TEMPER_SKIP_ON_HOST("built without libcurl");
  const test::TemporaryFolder folder;
  const Bytes content(500, 3);
  gz(content, folder.file("three.gz"));
  const Published set{.name = "toy",
                      .files = {{"three", sha_of(content), 500}},
                      .downloads = {{"file://" + folder.file("three.gz"), "", 600}}};
  CHECK(fetch(set, folder.file("to")) == std::vector<std::string>{folder.file("to/three.gz")});
  write(folder.file("to/three"), {1});
  CHECK_THROWS_WITH(fetch(set, folder.file("to")), folder.file("to/three") + ": expected toy's file with SHA-256 " +
                                                       sha_of(content) + ", got " + sha_of({1}) +
                                                       "; remove it and fetch again");
}

TEST_CASE("errors of fetching", "[data][errors]") {
  CHECK_THROWS_WITH(fetch(published("fashion_mnist_small"), "unused"),
                    "fetch: fashion_mnist_small comes with Temper; there is nothing to download");
  Server server;
  write(server.folder.file("file"), {1});
  CHECK_THROWS_WITH(
      fetch(server.set, server.folder.file("file") + "/below"),
      ContainsSubstring("/below: cannot be made: ") && ContainsSubstring("choose another folder with --to"));
  fs::create_directories(server.to);
  write(server.to + "/toy.tar.gz", {1, 2, 3});
  CHECK_THROWS_WITH(fetch(server.set, server.to), "fetch: " + server.set.downloads[0].url + ": expected SHA-256 " +
                                                      sha_of(server.packed) + ", got 3 bytes with SHA-256 " +
                                                      sha_of({1, 2, 3}) + "; they were removed: run the command again");
  CHECK_FALSE(fs::exists(server.to + "/toy.tar.gz"));
  write(server.to + "/toy.tar.gz", server.packed);
  server.set.files.push_back({"three.bin", "", 10});
  CHECK_THROWS_WITH(fetch(server.set, server.to), "fetch: three.bin was not in what was downloaded for toy");
  server.set.downloads[0].url = "https://127.0.0.1:9/toy.tar.gz";  // nobody listens
  if (can_fetch())
    CHECK_THROWS_WITH(
        fetch(server.set, server.folder.file("new")),
        ContainsSubstring("fetch: https://127.0.0.1:9/toy.tar.gz could not be downloaded: ") &&
            ContainsSubstring("put it at " + server.folder.file("new/toy.tar.gz") + " and run this again"));
}

TEST_CASE("nothing is fetched but by https, and no more than was published", "[data][errors]") {
  for (const Published& set : published_sets()) {
    for (const Download& from : set.downloads) {
      CHECK(from.url.starts_with("https://"));
      CHECK(from.bytes > 0);
    }
    for (const PublishedFile& file : set.files) CHECK(file.bytes > 0);
  }
  if (!can_fetch()) TEMPER_SKIP_ON_HOST("built without libcurl");
  Server server;
  server.set.downloads[0].url = "http://127.0.0.1:9/toy.tar.gz";
  CHECK_THROWS_WITH(fetch(server.set, server.to),
                    ContainsSubstring("could not be downloaded: ") && ContainsSubstring("rotocol \"http\" "));
  Server large;
  large.set.downloads[0].bytes = large.packed.size() - 1;
  CHECK_THROWS_WITH(fetch(large.set, large.to),
                    ContainsSubstring("toy.tar.gz is larger than ") && ContainsSubstring("it was removed"));
  CHECK(fs::is_empty(large.to));
}

TEST_CASE("an archive that unpacks to more than its files is refused", "[data][errors]") {
  Server server;
  fs::create_directories(server.to);
  const Bytes bomb = gz(Bytes(40 << 20, 0), server.folder.file("bomb"));
  server.set.downloads[0] = {"https://127.0.0.1:9/toy.tar.gz", sha_of(bomb), bomb.size()};
  write(server.to + "/toy.tar.gz", bomb);
  CHECK_THROWS_WITH(fetch(server.set, server.to), ContainsSubstring("toy.tar.gz: unpacks to more than 16781216 bytes"));
}

TEST_CASE("damaged tar archives are refused", "[data][errors]") {
  Bytes tar;
  add_to_tar(tar, "a", Bytes(600, 9));
  CHECK(list_tar("t", tar).at(0).size == 600);
  tar.resize(1000);
  CHECK_THROWS_WITH(list_tar("t", tar), "t: is truncated: a needs 600 bytes, 488 are left");
  tar[130] = 'x';
  CHECK_THROWS_WITH(list_tar("t", tar), "t: is not a tar archive, or damaged at byte 0");
  for (const char* name : {"../evil", "a/../../evil", "a/..", "/etc/evil"}) {
    Bytes outside;
    add_to_tar(outside, name, {6});
    CHECK_THROWS_WITH(list_tar("t", outside), cat("t: has a file '", name,
                                                  "' that lies outside of its folder; nothing "
                                                  "was unpacked"));
  }
}

TEST_CASE("statistics of a set", "[data]") {
  const ImageSet set{.height = 1,
                     .width = 2,
                     .channels = 2,
                     .classes = 3,
                     .pixels = {0, 255, 255, 255, 51, 0, 102, 0},
                     .labels = {2, 2}};
  const Statistics s = statistics(set);
  CHECK(s.per_class == std::vector<int64_t>{0, 0, 2});
  CHECK(s.mean[0] == Approx(0.4));
  CHECK(s.mean[1] == Approx(0.5));
  CHECK(s.std[0] == Approx(std::sqrt((0.16 + 0.36 + 0.04 + 0) / 4)));
  CHECK(s.std[1] == Approx(0.5));
}
