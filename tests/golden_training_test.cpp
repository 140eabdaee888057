// Ten steps of every method against tests/golden/golden_training.py, an independent implementation in PyTorch.
#include <omp.h>

#include <map>

#include "attacks/pgd.h"
#include "core/npz.h"
#include "nn/weights.h"
#include "source_dir.h"
#include "tests/catch.h"
#include "tests/networks.h"
#include "trainers/optimizer.h"
#include "trainers/trainer.h"

using namespace temper;

namespace {

constexpr int64_t kBatches = 4, kBatch = 6, kSteps = 10;
constexpr DataShape kData{.height = 6, .width = 6, .channels = 3, .classes = 4};

struct Method {
  std::string name, yaml;
  double f32_tolerance;  ///< 0: not compared, see the script
};

const Method kMethods[] = {
    {"standard", "{name: standard}", 1e-4},
    {"pgd_at_eval", "{name: pgd_at, attack_bn: eval, attack: {radius: 8/255, step: 2/255, steps: 5}}", 1e-4},
    {"pgd_at_train", "{name: pgd_at, attack_bn: train, attack: {radius: 8/255, step: 2/255, steps: 5}}", 1e-4},
    {"trades", "{name: trades, beta: 6, attack: {radius: 0.031, step: 0.007, steps: 10, start: gauss001}}", 0},
    {"trades_uniform",
     "{name: trades, beta: 6, attack: {radius: 0.031, step: 0.007, steps: 10, start: uniform_unclipped}}", 1e-4}};

class Golden {
 public:
  Golden() {
    for (NamedArray& a : load_npz(TEMPER_SOURCE_DIR "/tests/golden/golden_training.npz")) {
      const std::string name = a.name;
      arrays_.emplace(name, std::move(a));
    }
  }
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

std::vector<double> to_double(const char* data, DType dtype, int64_t n) {
  std::vector<double> out(n);
  dispatch_full(dtype, [&](auto tag) {
    using T = decltype(tag);
    std::copy_n(reinterpret_cast<const T*>(data), n, out.begin());
  });
  return out;
}

/// Largest difference, relative to the largest value where that exceeds 1.
double difference(const std::vector<double>& got, const std::vector<double>& want) {
  REQUIRE(got.size() == want.size());
  double worst = 0, scale = 1;
  for (size_t i = 0; i < got.size(); ++i) {
    if (!(std::abs(got[i] - want[i]) <= worst)) worst = std::abs(got[i] - want[i]);
    scale = std::max(scale, std::abs(want[i]));
  }
  return worst / scale;
}

std::unique_ptr<Trainer> make_trainer(const std::string& yaml) {
  const Config config = parse_config("trainer: " + yaml, "golden");
  Fields f(config);
  std::string name;
  std::unique_ptr<Trainer> made = Registry<Trainer>::instance().read(f, "trainer", name);
  f.finish();
  return made;
}

/// These layers are too small to share out: on a busy machine, threads would wait longer than they work.
struct OneThread {
  const int before = omp_get_max_threads();
  OneThread() { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before); }
};

/// A network with the golden file's starting weights, and its batches.
class World {
 public:
  World(const Golden& golden, DType dtype)
      : golden_(golden),
        dtype_(dtype),
        engine({.compute = dtype, .arena_mb = 64, .seed = 11, .reference_conv = dtype == DType::f64}),
        network(test::network(engine, "{name: small_cnn, widths: [6, 8, 10], strides: [1, 2, 2]}",
                              {.data = kData, .dtype = dtype})) {
    import_weights(*network, golden.below("init/"), "golden");
  }
  Batch batch(int64_t step) {
    const int64_t b = step % kBatches, pixels = kBatch * kData.height * kData.width * kData.channels;
    Arena& arena = engine.arena();
    const Batch out{.images = arena.tensor({kBatch, kData.height, kData.width, kData.channels}, dtype_),
                    .labels = arena.tensor({kBatch}, DType::i32),
                    .ids = arena.tensor({kBatch}, DType::i32)};
    const std::vector<float> images = golden_.get<float>("images");
    dispatch_full(dtype_,
                  [&](auto tag) { std::copy_n(images.begin() + b * pixels, pixels, out.images.as<decltype(tag)>()); });
    std::copy_n(golden_.get<int32_t>("labels").begin() + b * kBatch, kBatch, out.labels.as<int32_t>());
    std::copy_n(golden_.get<int32_t>("ids").begin() + b * kBatch, kBatch, out.ids.as<int32_t>());
    return out;
  }

 private:
  OneThread one_thread_;
  const Golden& golden_;
  DType dtype_;

 public:
  Engine engine;
  std::unique_ptr<Network> network;
};

void check_training(const Golden& golden, const Method& method, DType dtype, double tolerance) {
  World world(golden, dtype);
  const std::unique_ptr<Trainer> trainer = make_trainer(method.yaml);
  Network& network = *world.network;
  const SgdOptions options{.lr = 0.05, .momentum = 0.9, .weight_decay = 5e-4};
  Sgd sgd(network.weights().params, options, world.engine.stream());
  Flat gradients(network.params(), dtype, world.engine.stream());
  Flat* const buffers[] = {&gradients};
  TrainContext context{world.engine, network};
  trainer->begin(context);
  std::vector<double> losses;
  for (context.step = 0; context.step < kSteps; ++context.step) {
    const Arena::Scope scope(world.engine.arena());
    const Batch batch = world.batch(context.step);
    context.epoch = context.step + 1;
    losses.push_back(trainer->gradients(context, batch, buffers));
    sgd.step(world.engine.stream(), gradients, options.lr);
    trainer->after_step(context, batch);
  }
  CHECK(difference(losses, golden.get<double>(method.name + "/losses")) < tolerance);
  int compared = 0;
  for (const NamedArray& a : export_weights(network)) {
    INFO(a.name);
    const std::vector<double> want = golden.get<double>(method.name + "/final/" + a.name);
    CHECK(difference(to_double(a.bytes.data(), a.dtype, a.numel()), want) < tolerance);
    ++compared;
  }
  CHECK(compared == 17);  // three convolutions, three BatchNorms of four arrays, a linear layer of two
}

void check_attack(const Golden& golden, const Method& method, DType dtype, double tolerance) {
  World world(golden, dtype);
  const Batch batch = world.batch(0);
  const bool is_trades = method.name.starts_with("trades");
  PgdOptions options{.steps = 5};
  if (is_trades)
    options = {.radius = 0.031,
               .step = 0.007,
               .steps = 10,
               .start = method.name == "trades" ? Pgd::Start::gauss001 : Pgd::Start::uniform_unclipped};
  Pass pass = Pass::eval();
  if (method.name == "pgd_at_train") pass.bn = BnStats::batch;
  const Var clean{world.network->predict(world.engine, batch.images, pass)};
  const Tensor x = Pgd(options).run(
      world.engine, batch, [&](Tape& t, const Var& x) { return (*world.network)(t, x, pass); },
      [&](Tape& t, const Var& logits) {
        return is_trades ? kl_divergence(t, logits, clean, Reduction::none)
                         : cross_entropy(t, logits, batch.labels, Reduction::none);
      },
      1);
  const std::vector<double> got = to_double(static_cast<char*>(x.data), dtype, x.numel());
  CHECK(difference(got, golden.get<double>(method.name + "/x_adv")) < tolerance);
}

}  // namespace

TEST_CASE("training follows the PyTorch script in f64", "[golden]") {
  const Golden golden;
  for (const Method& method : kMethods) {
    INFO(method.name);
    check_training(golden, method, DType::f64, 1e-9);
    if (method.name != "standard") check_attack(golden, method, DType::f64, 1e-9);
  }
}

TEST_CASE("training follows the PyTorch script in f32", "[golden]") {
  const Golden golden;
  for (const Method& method : kMethods) {
    if (method.f32_tolerance == 0) continue;
    INFO(method.name);
    check_training(golden, method, DType::f32, method.f32_tolerance);
    if (method.name != "standard") check_attack(golden, method, DType::f32, method.f32_tolerance);
  }
}

TEST_CASE("random starts have the bits of the NumPy generator", "[golden][rng]") {
  const Golden golden;
  const std::vector<int32_t> ids = golden.get<int32_t>("ids");
  const std::vector<float> uniform = golden.get<float>("noise/uniform"), normal = golden.get<float>("noise/normal");
  const RngKey key{.seed = 11, .purpose = Purpose::attack, .step = 1};
  const size_t elements = uniform.size() / kBatch;
  for (size_t i = 0; i < uniform.size(); ++i) {
    const uint32_t id = ids[i / elements], element = i % elements;
    REQUIRE(uniform[i] == 2 * random_uniform(key, id, element) - 1);
    REQUIRE(normal[i] == random_normal(key, id, element));
  }
}
