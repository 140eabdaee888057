// Data sets and what they are packed in. Where a reader has options, the first byte chooses them.
#include <filesystem>

#include "core/registry.h"
#include "data/dataset.h"
#include "data/published/fetch.h"
#include "data/published/published.h"
#include "data/readers/idx.h"
#include "tests/fuzz/target.h"

using namespace temper;
using namespace temper::fuzz;

namespace {

enum class Split { train, test };

void read(Split split, const std::string& section) {
  const Config config = parse_config("data: {" + section + "}");
  Fields f(config);
  std::string name;
  const auto reader = Registry<DatasetReader>::instance().read(f, "data", name);
  const ImageSet set = split == Split::train ? reader->train() : reader->test();
  set.check("the reader");
}

uint8_t choice(Bytes bytes) { return bytes.empty() ? uint8_t{0} : bytes[0]; }
Bytes rest(Bytes bytes) { return bytes.subspan(bytes.empty() ? 0 : 1); }

}  // namespace

TEMPER_FUZZ_TARGET(idx) {
  for (const int rank : {1, 3}) try {
      const Idx read = parse_idx("a", {bytes.begin(), bytes.end()}, rank);
      promise(static_cast<int>(read.extents.size()) == rank);
    } catch (const Error&) {
    }
}

TEMPER_FUZZ_TARGET(tar) {
  const std::vector<uint8_t> all(bytes.begin(), bytes.end());
  for (const TarFile& file : list_tar("a.tar", all)) promise(file.offset + file.size <= all.size());
}

TEMPER_FUZZ_TARGET(gz) { read_unpacked(as_file("a.gz", bytes)); }

TEMPER_FUZZ_TARGET(cifar) {
  as_file("cifar/test_batch.bin", bytes);
  read(Split::test, "name: cifar10, verify: form, path: " + folder() + "/cifar");
}

TEMPER_FUZZ_TARGET(svhn) {
  as_file("svhn/test_32x32.mat", bytes);
  read(Split::test, "name: svhn, verify: form, path: " + folder() + "/svhn");
}

TEMPER_FUZZ_TARGET(npz_images) {
  const std::string file = as_file("images.npz", rest(bytes));
  read(choice(bytes) & 1 ? Split::train : Split::test,
       "name: npz, path: " + file + (choice(bytes) & 2 ? ", layout: nchw" : ""));
}

TEMPER_FUZZ_TARGET(picture) {
  as_file("pictures/test/a/0.png", rest(bytes));
  std::filesystem::create_directories(folder() + "/pictures/train/a");
  read(Split::test, "name: folder, size: 8, path: " + folder() + "/pictures" +
                        (choice(bytes) & 1 ? ", channels: 1" : ", channels: 3") +
                        (choice(bytes) & 2 ? ", fit: crop" : ", fit: stretch"));
}
