#include "core/environment/library_search.h"

#include <fstream>

#include "tests/fixtures/catch.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;
namespace fs = std::filesystem;

namespace {

/// A made-up installation.
class Tree {
 public:
  std::string file(const std::string& path) {
    const fs::path full = root_.path() / path;
    fs::create_directories(full.parent_path());
    std::ofstream(full) << "a library";
    return full;
  }
  std::string link(const std::string& path, const std::string& to) {
    const fs::path full = root_.path() / path;
    fs::create_directories(full.parent_path());
    fs::create_symlink(to, full);
    return full;
  }
  fs::path path(const std::string& path) const { return fs::canonical(root_.path()) / path; }

 private:
  test::TemporaryFolder root_;
};

}  // namespace

TEST_CASE("the run-time compiler is found beside cuDNN in NVIDIA's wheels", "[libraries]") {
  Tree tree;
  const std::string cudnn = tree.file("site/nvidia/cudnn/lib/libcudnn.so.9");
  tree.file("site/nvidia/cu13/lib/libnvrtc.so.13");
  tree.file("site/nvidia/cu13/lib/libnvrtc-builtins.so.13.0");
  const auto folders = cuda_folders({cudnn, ""}, {});
  CHECK(folders.front() == tree.path("site/nvidia/cudnn/lib"));
  CHECK(find_library(folders, "libnvrtc.so.13") == tree.path("site/nvidia/cu13/lib/libnvrtc.so.13"));
  CHECK(find_library(folders, "libnvrtc-builtins.so.13") ==
        tree.path("site/nvidia/cu13/lib/libnvrtc-builtins.so.13.0"));
  CHECK(find_library(folders, "libnvJitLink.so.13").empty());
}

TEST_CASE("the run-time compiler is found behind a link to cuDNN, and in older wheels", "[libraries]") {
  Tree tree;
  const std::string there = tree.file("site/nvidia/cudnn/lib/libcudnn.so.9"),
                    linked = tree.link("own/lib/libcudnn.so.9", there);
  tree.file("site/nvidia/cuda_nvrtc/lib/libnvrtc.so.13");
  CHECK(find_library(cuda_folders({linked}, {}), "libnvrtc.so.13") ==
        tree.path("site/nvidia/cuda_nvrtc/lib/libnvrtc.so.13"));
}

TEST_CASE("libraries beside cuDNN come before a toolkit's, and those before none", "[libraries]") {
  Tree tree;
  const std::string cudnn = tree.file("a/libcudnn.so.9");
  tree.file("toolkit/lib64/libnvrtc.so.13");
  const auto folders = cuda_folders({cudnn}, {tree.path("nowhere"), tree.path("toolkit")});
  CHECK(find_library(folders, "libnvrtc.so.13") == tree.path("toolkit/lib64/libnvrtc.so.13"));
  tree.file("a/libnvrtc.so.13");
  CHECK(find_library(folders, "libnvrtc.so.13") == tree.path("a/libnvrtc.so.13"));
  CHECK(find_library(folders, "libnvrtc.so.1").empty());  // another version is no longer version
}

TEST_CASE("a loaded library is known by its full path", "[libraries]") {
  const std::string path = loaded_library("libc.so.6");
  CHECK(fs::path(path).is_absolute());
  CHECK(fs::path(path).filename() == "libc.so.6");
  CHECK(loaded_library("libnothing.so.1").empty());
}
