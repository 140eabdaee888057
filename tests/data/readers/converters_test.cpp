// The scripts that convert what Python pickled.
#include <filesystem>
#include <fstream>

#include "core/files/safetensors.h"
#include "data/dataset.h"
#include "source_dir.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/skip.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;

namespace {

struct Converter {
  test::TemporaryFolder folder;
  std::string said;

  /// Runs one of the project's scripts in Python, in the folder; whether it ended well.
  bool python(const std::string& script, const std::string& arguments) {
    const std::string at = std::filesystem::absolute(TEMPER_SOURCE_DIR).string();
    const std::string command =
        cat("cd '", folder.path().string(), "' && python3 '", at, "/", script, "' ", arguments, " > log 2>&1");
    const bool well = std::system(command.c_str()) == 0;
    std::ifstream log(folder.file("log"));
    said.assign(std::istreambuf_iterator<char>(log), {});
    CHECK(said.find("Traceback") == std::string::npos);
    return well;
  }
  bool convert_cifar(const std::string& from, const std::string& to) {
    return python("scripts/convert_cifar_python", cat(from, " ", to));
  }
  bool convert_weights(const std::string& arguments) { return python("scripts/convert_pytorch_weights", arguments); }
  std::unique_ptr<DatasetReader> cifar(const std::string& at) const {
    const Config config = parse_config(cat("path: ", folder.file(at), "\nverify: form"));
    Fields f(config);
    auto made = Registry<DatasetReader>::instance().make("cifar10");
    made->fields(f);
    return made;
  }
};

bool no_python() { return std::system("python3 -c '' 2> /dev/null") != 0; }

}  // namespace

TEST_CASE("CIFAR's python form is converted, as Python 2 wrote it and as its users do", "[data]") {
  if (no_python()) TEMPER_SKIP_ON_HOST("no python3");
  Converter c;
  REQUIRE(c.python("tests/fixtures/pickles.py", "cifar"));
  for (const char* form : {"published", "columns", "array_labels", "protocol5"}) {
    INFO(form);
    REQUIRE(c.convert_cifar(form, cat(form, "-bin")));
    const ImageSet test = c.cifar(cat(form, "-bin"))->test();
    CHECK(test.labels == std::vector<int32_t>{7, 1});
    REQUIRE(test.pixels.size() == 2 * 3072);
    for (size_t i = 0; i < 3072; ++i) {  // plane c, pixel p of image n is 3 p + c + n
      REQUIRE(test.pixels[i] == static_cast<uint8_t>(i));
      REQUIRE(test.pixels[3072 + i] == static_cast<uint8_t>(i + 1));
    }
    CHECK(c.cifar(cat(form, "-bin"))->train().labels.size() == 10);
  }
}

TEST_CASE("pickles that are no CIFAR batches are refused with a reason", "[data][errors]") {
  if (no_python()) TEMPER_SKIP_ON_HOST("no python3");
  Converter c;
  REQUIRE(c.python("tests/fixtures/pickles.py", "cifar_errors"));
  const std::pair<const char*, const char*> cases[] = {
      {"system", "the pickle asks for posix.system: this is not a CIFAR file"},
      {"label", "data_batch_1: label 0 of 'labels' is 10, which is not in [0, 10)"},
      {"transposed", "data_batch_1: expected 'data' of shape (2, 3072) for 2 labels, got (3072, 2)"},
      {"floats", "data_batch_1: 'data' cannot be read: numbers of type f4; expected integers"},
      {"no_labels", "data_batch_1: has no 'labels', only data"},
      {"truncated", "data_batch_1: is not a CIFAR batch, or is damaged ("},
      {"empty", "empty holds neither data_batch_1 (CIFAR-10) nor train (CIFAR-100)"}};
  for (const auto& [form, message] : cases) {
    CHECK_FALSE(c.convert_cifar(form, "bin"));
    CHECK_THAT(c.said, ContainsSubstring(message));
  }
}

TEST_CASE("weights that PyTorch saved are converted, in either of its forms", "[files]") {
  if (no_python()) TEMPER_SKIP_ON_HOST("no python3");
  Converter c;
  REQUIRE(c.python("tests/fixtures/pickles.py", "weights"));
  const std::vector<float> w = {1, 2, 3, 4, 5, 6}, transposed = {1, 4, 2, 5, 3, 6};
  const auto array = [](const char* name, std::vector<int64_t> shape, const std::vector<float>& values) {
    const char* from = reinterpret_cast<const char*>(values.data());
    return NamedArray{name, DType::f32, std::move(shape), {from, from + 4 * values.size()}};
  };
  const std::vector<NamedArray> expected = {array("module.w", {2, 3}, w),
                                            array("module.t", {3, 2}, transposed),
                                            {"module.n", DType::i64, {}, {7, 0, 0, 0, 0, 0, 0, 0}}};
  for (const char* arguments : {"plain.pth w.safetensors", "legacy.pth w.safetensors", "nested.pth w.safetensors",
                                "two.pth w.safetensors ema", "two.pth w.safetensors deep.er"}) {
    INFO(arguments);
    REQUIRE(c.convert_weights(arguments));
    CHECK(load_safetensors(c.folder.file("w.safetensors")).arrays == expected);
  }
  const std::pair<const char*, const char*> errors[] = {
      {"two.pth x.safetensors", "two.pth: has weights in model, ema; say which as the third argument"},
      {"two.pth x.safetensors swa", "two.pth: has no entry 'swa', only model, ema, deep"},
      {"module.pth x.safetensors",
       "module.pth: holds a whole module or another object; in PyTorch, save its state_dict"},
      {"short.pth x.safetensors", "'module.w' needs 24 bytes, its storage has 20; the file is damaged"},
      {"log x.safetensors", "log: was not written by torch.save, or is damaged ("},
      {"none.pth x.safetensors", "No such file or directory: 'none.pth'"},
      {"plain.pth x.npz", "expected an output that ends with .safetensors, got x.npz"}};
  for (const auto& [arguments, message] : errors) {
    CHECK_FALSE(c.convert_weights(arguments));
    CHECK_THAT(c.said, ContainsSubstring(message));
  }
  CHECK_FALSE(std::filesystem::exists(c.folder.file("x.safetensors")));
}
