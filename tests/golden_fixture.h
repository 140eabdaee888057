#pragma once
// What comparisons with the PyTorch scripts in tests/golden share: their arrays, their starting network, their batches.
#include <cmath>
#include <map>

#include "core/files/npz.h"
#include "nn/weights.h"
#include "source_dir.h"
#include "tests/devices.h"
#include "tests/networks.h"
#include "trainers/trainer.h"

namespace temper::test {

inline constexpr int64_t kGoldenBatches = 4, kGoldenBatch = 6, kGoldenSteps = 10;
inline constexpr DataShape kGoldenData{.height = 6, .width = 6, .channels = 3, .classes = 4};

class Golden {
 public:
  /// tests/golden/NAME.npz
  explicit Golden(const std::string& file) {
    for (NamedArray& a : load_npz(TEMPER_SOURCE_DIR "/tests/golden/" + file + ".npz")) {
      const std::string name = a.name;
      arrays_.emplace(name, std::move(a));
    }
  }
  bool has(const std::string& name) const { return arrays_.count(name) > 0; }
  template <class T>
  std::vector<T> get(const std::string& name) const {
    const NamedArray& a = arrays_.at(name);
    REQUIRE(a.dtype == dtype_of<T>());
    const T* v = reinterpret_cast<const T*>(a.bytes.data());
    return {v, v + a.numel()};
  }
  /// The arrays below a prefix, without it.
  std::vector<NamedArray> below(const std::string& prefix) const {
    std::vector<NamedArray> out;
    for (const auto& [name, a] : arrays_)
      if (name.starts_with(prefix)) {
        out.push_back(a);
        out.back().name = name.substr(prefix.size());
      }
    return out;
  }

 private:
  std::map<std::string, NamedArray> arrays_;
};

/// The images of a script whose batches a Loader makes, as bytes.
inline ImageSet images(const Golden& golden) {
  return {.height = kGoldenData.height,
          .width = kGoldenData.width,
          .channels = kGoldenData.channels,
          .classes = kGoldenData.classes,
          .pixels = golden.get<uint8_t>("pixels"),
          .labels = golden.get<int32_t>("labels")};
}

inline std::vector<double> to_double(const char* data, DType dtype, int64_t n) {
  std::vector<double> out(n);
  dispatch_full(dtype, [&](auto tag) {
    using T = decltype(tag);
    std::copy_n(reinterpret_cast<const T*>(data), n, out.begin());
  });
  return out;
}

/// A method's settings with an attack that takes the script's steps. In f64 the gradient that does not vanish
/// (attacks/pgd.h) takes the same; in f32 only PyTorch's own rounding does.
inline std::string with_steps_of_pytorch(std::string yaml, DType dtype) {
  const std::string attack = "attack: {";
  const size_t at = yaml.find(attack);
  if (dtype != DType::f64 && at != std::string::npos) yaml.insert(at + attack.size(), "gradient: pytorch, ");
  return yaml;
}

/// Largest difference, relative to the largest value where that exceeds 1.
inline double difference(const std::vector<double>& got, const std::vector<double>& want) {
  REQUIRE(got.size() == want.size());
  double worst = 0, scale = 1;
  for (size_t i = 0; i < got.size(); ++i) {
    if (!(std::abs(got[i] - want[i]) <= worst)) worst = std::abs(got[i] - want[i]);
    scale = std::max(scale, std::abs(want[i]));
  }
  return worst / scale;
}

/// How far runs may end from the script. In f32, where sums have another order on every processor, the sign of a
/// gradient next to nothing may turn; then a pixel moves the other way, and from there on that run is another one. A
/// quarter of the runs may do so, and not by much.
class Closeness {
 public:
  explicit Closeness(double strict) : Closeness(strict, strict) {}
  static Closeness f32([[maybe_unused]] Device device) {
#if defined(TEMPER_ONEDNN)
    if (device == Device::cpu) return Closeness(1e-4, 0.1);
#endif
    return Closeness(1e-3, 0.1);
  }
  /// With masks any order of sums is enough, such as that of a CPU with other vectors: a score next to its threshold
  /// may cross it.
  static Closeness masked_f32(Device device) { return Closeness(f32(device).strict_, 0.2); }

  void check(double difference) {
    CHECK(difference < loose_);
    if (!(difference < strict_)) followed_ = false;
  }
  void end_run() {
    ++runs_;
    followers_ += followed_;
    followed_ = true;
  }
  void end() const { CHECK(4 * followers_ >= 3 * runs_); }

 private:
  Closeness(double strict, double loose) : strict_(strict), loose_(loose) {}

  double strict_, loose_;
  bool followed_ = true;
  int runs_ = 0, followers_ = 0;
};

inline std::unique_ptr<Trainer> make_trainer(const std::string& yaml) {
  const Config config = parse_config("trainer: " + yaml, "golden");
  Fields f(config);
  std::string name;
  std::unique_ptr<Trainer> made = Registry<Trainer>::instance().read(f, "trainer", name);
  f.finish();
  return made;
}

/// A network with the starting weights of golden_training, and its batches.
class World {
 public:
  World(const Golden& golden, DType dtype, Device device = Device::cpu)
      : golden_(golden),
        dtype_(dtype),
        // These layers are too small to share out: threads would wait longer than they work.
        engine({.device = device,
                .threads = 1,
                .compute = dtype,
                .arena_mb = 64,
                .seed = 11,
                .reference_conv = dtype == DType::f64}),
        network(test::network(engine, "{name: small_cnn, widths: [6, 8, 10], strides: [1, 2, 2]}",
                              {.data = kGoldenData, .dtype = dtype})) {
    import_weights(*network, golden.below("init/"), "golden");
  }
  Batch batch(int64_t step) {
    const int64_t b = step % kGoldenBatches,
                  pixels = kGoldenBatch * kGoldenData.height * kGoldenData.width * kGoldenData.channels;
    Arena& arena = engine.arena();
    const Batch out{
        .images = arena.tensor({kGoldenBatch, kGoldenData.height, kGoldenData.width, kGoldenData.channels}, dtype_),
        .labels = arena.tensor({kGoldenBatch}, DType::i32),
        .ids = arena.tensor({kGoldenBatch}, DType::i32)};
    const std::vector<float> images = golden_.get<float>("images");
    write_numbers(engine, out.images, {images.begin() + b * pixels, images.begin() + (b + 1) * pixels});
    const auto part = [&](const char* name) {
      const std::vector<int32_t> all = golden_.get<int32_t>(name);
      return std::vector<int32_t>(all.begin() + b * kGoldenBatch, all.begin() + (b + 1) * kGoldenBatch);
    };
    write_values(engine, out.labels, part("labels"));
    write_values(engine, out.ids, part("ids"));
    return out;
  }

 private:
  const Golden& golden_;
  DType dtype_;

 public:
  Engine engine;
  std::unique_ptr<Network> network;
};

}  // namespace temper::test
