#include "data/published.h"

namespace temper {

const std::vector<Published>& published_sets() {
  static const std::vector<std::string> digits = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  static const std::vector<std::string> clothes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                   "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  static const auto each = [](const std::string& base) {
    std::vector<Download> all;
    for (const char* file :
         {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"})
      all.push_back({base + file + ".gz", ""});
    return all;
  };
  static const std::vector<Published> sets = {
      {.name = "cifar10",
       .folder = "cifar-10-batches-bin",
       .files = {{"data_batch_1.bin", "5dd7e06a14cb22eb9f671a540d1b7c25"},
                 {"data_batch_2.bin", "5ea93a67294ea407fff1d09f752e9692"},
                 {"data_batch_3.bin", "942cd6a4bcdd0dd3c604fbe906cb4421"},
                 {"data_batch_4.bin", "ae636b3ba5c66a11e91e8cb52e771fcb"},
                 {"data_batch_5.bin", "53f37980c15c3d472c316c40844f3f0d"},
                 {"test_batch.bin", "803d5f7f4d78ea53de84dbe85f74fb6d"}},
       .downloads = {{"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"}},
       .terms = "no formal licence; cite A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
       .class_names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}},
      {.name = "cifar100",
       .folder = "cifar-100-binary",
       .files = {{"train.bin", ""}, {"test.bin", ""}, {"fine_label_names.txt", ""}, {"coarse_label_names.txt", ""}},
       .downloads = {{"https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"}},
       .terms = "no formal licence; cite A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
       .class_names = {}},
      {.name = "svhn",
       .folder = "",
       .files = {{"train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373"},
                 {"test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3"}},
       .downloads = {{"http://ufldl.stanford.edu/housenumbers/train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373"},
                     {"http://ufldl.stanford.edu/housenumbers/test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3"}},
       .terms = "for non-commercial use; cite Netzer et al., Reading Digits in Natural Images, 2011",
       .class_names = digits},
      {.name = "mnist",
       .folder = "",
       .files = {{"train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb"},
                 {"train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624"},
                 {"t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea"},
                 {"t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637"}},
       .downloads = each("https://ossci-datasets.s3.amazonaws.com/mnist/"),
       .terms = "CC BY-SA 3.0; Y. LeCun, C. Cortes, C. Burges",
       .class_names = digits},
      {.name = "fashion_mnist",
       .folder = "",
       .files = {{"train-images-idx3-ubyte", "f4a8712d7a061bf5bd6d2ca38dc4d50a"},
                 {"train-labels-idx1-ubyte", "9018921c3c673c538a1fc5bad174d6f9"},
                 {"t10k-images-idx3-ubyte", "8181f5470baa50b63fa0f6fddb340f0a"},
                 {"t10k-labels-idx1-ubyte", "15d484375f8d13e6eb1aabb0c3f46965"}},
       .downloads = each("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
       .terms = "MIT licence, Zalando SE; cite Xiao, Rasul, Vollgraf, arXiv:1708.07747",
       .class_names = clothes,
       .installed = "/usr/share/datasets/fashion-mnist"},
      {.name = "fashion_mnist_small",
       .folder = "",
       .files = {{"train-images-idx3-ubyte", "dcab80f289ae27ab265a1e83946f0a1c"},
                 {"train-labels-idx1-ubyte", "611c8ef3426a757a9375a0ac94541d26"},
                 {"t10k-images-idx3-ubyte", "4bb4107a89a38933fbbdd67584195c68"},
                 {"t10k-labels-idx1-ubyte", "84e2038f7beda4c0f4093bde29339f63"}},
       .downloads = {},
       .terms = "shipped with Temper; MIT licence, Zalando SE; cite Xiao, Rasul, Vollgraf, arXiv:1708.07747",
       .class_names = clothes,
       .shipped = "data/shipped/fashion_mnist_small"},
  };
  return sets;
}

}  // namespace temper
