#include "data/published/published.h"

namespace temper {

const std::vector<Published>& published_sets() {
  static const std::vector<std::string> digits = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  static const std::vector<std::string> clothes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                   "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  static const auto each = [](const std::string& base) {
    std::vector<Download> all;
    for (const char* file :
         {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"})
      all.push_back({base + file + ".gz", "", 50'000'000});
    return all;
  };
  static const std::vector<Published> sets = {
      {.name = "cifar10",
       .folder = "cifar-10-batches-bin",
       .files = {{"data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5", 30'730'000},
                 {"data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed", 30'730'000},
                 {"data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67", 30'730'000},
                 {"data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48", 30'730'000},
                 {"data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add", 30'730'000},
                 {"test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b", 30'730'000}},
       .downloads = {{"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                      "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", 170'052'171}},
       .terms = "no formal licence; cite A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
       .class_names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"},
       .size = {50'000, 10'000, 32, 32, 3, 10}},
      {.name = "cifar100",
       .folder = "cifar-100-binary",
       .files = {{"train.bin", "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29", 153'700'000},
                 {"test.bin", "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a", 30'740'000},
                 {"fine_label_names.txt", "", 1 << 16},
                 {"coarse_label_names.txt", "", 1 << 16}},
       .downloads = {{"https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
                      "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec", 168'513'733}},
       .terms = "no formal licence; cite A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
       .class_names = {},
       .size = {50'000, 10'000, 32, 32, 3, 100}},
      {.name = "svhn",
       .folder = "",
       .files = {{"train_32x32.mat", "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8", 182'040'794},
                 {"test_32x32.mat", "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b", 64'275'384}},
       .downloads = {{"https://ufldl.stanford.edu/housenumbers/train_32x32.mat",
                      "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8", 182'040'794},
                     {"https://ufldl.stanford.edu/housenumbers/test_32x32.mat",
                      "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b", 64'275'384}},
       .terms = "for non-commercial use; cite Netzer et al., Reading Digits in Natural Images, 2011",
       .class_names = digits,
       .size = {73'257, 26'032, 32, 32, 3, 10}},
      {.name = "mnist",
       .folder = "",
       .files =
           {{"train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 47'040'016},
            {"train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60'008},
            {"t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 7'840'016},
            {"t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10'008}},
       .downloads = each("https://ossci-datasets.s3.amazonaws.com/mnist/"),
       .terms = "CC BY-SA 3.0; Y. LeCun, C. Cortes, C. Burges",
       .class_names = digits,
       .size = {60'000, 10'000, 28, 28, 1, 10}},
      {.name = "fashion_mnist",
       .folder = "",
       .files =
           {{"train-images-idx3-ubyte", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888", 47'040'016},
            {"train-labels-idx1-ubyte", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9", 60'008},
            {"t10k-images-idx3-ubyte", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b", 7'840'016},
            {"t10k-labels-idx1-ubyte", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34", 10'008}},
       .downloads = each("https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"),
       .terms = "MIT licence, Zalando SE; cite Xiao, Rasul, Vollgraf, arXiv:1708.07747",
       .class_names = clothes,
       .installed = "/usr/share/datasets/fashion-mnist",
       .size = {60'000, 10'000, 28, 28, 1, 10}},
      {.name = "fashion_mnist_small",
       .folder = "",
       .files =
           {{"train-images-idx3-ubyte", "d33512cfdc636a0d8972818e6659995be209a88891df7fa2109d7895922c8985", 7'840'016},
            {"train-labels-idx1-ubyte", "620cb8e3b9348037c5ff9a07b02d773ab165330e072dfd19e0d21c59f8042dcf", 10'008},
            {"t10k-images-idx3-ubyte", "15a92dd1e9b16ea361928086e77df4dfa890c255c00b5a8c8162c1040ce8eef1", 1'568'016},
            {"t10k-labels-idx1-ubyte", "234596aeb6eb48133ec99a62541f90bc0728c9559a681f1e0638037462458f2c", 2'008}},
       .downloads = {},
       .terms = "shipped with Temper; MIT licence, Zalando SE; cite Xiao, Rasul, Vollgraf, arXiv:1708.07747",
       .class_names = clothes,
       .shipped = "data/shipped/fashion_mnist_small",
       .size = {10'000, 2'000, 28, 28, 1, 10}},
  };
  return sets;
}

}  // namespace temper
