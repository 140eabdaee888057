// Attacks alone, on random images.
#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "attacks/pgd.h"
#include "bench/breakdown.h"
#include "bench/event_clock.h"
#include "bench/network.h"
#include "bench/suite.h"
#include "core/text.h"
#include "kernels/runtime/device_array.h"
#include "kernels/runtime/philox.h"
#include "trainers/experiment.h"

namespace temper::bench {

namespace {

EngineOptions options_of(const Experiment& experiment, RangeLog* ranges) {
  EngineOptions options = experiment.engine_options();
  options.ranges = ranges;
  return options;
}

class AttackWork {
 public:
  AttackWork(const std::string& model, const std::string& compute, std::string attack, int64_t n,
             const SuiteContext& context, RangeLog* ranges = nullptr)
      : experiment_(read_experiment(
            parse_config(cat("device: ", name(context.engine.device()), "\nthreads: ", context.engine.options().threads,
                             "\nprecision: {compute: ", compute, "}\nmodel: ", model_section(model), "\n"),
                         "attack"))),
        engine_(options_of(experiment_, ranges)),
        network_(make_network(engine_, experiment_, data_shape(model))) {
    const DataShape& data = network_->options().data;
    const Config config = parse_config(cat("attack: {name: ", attack, "}\n"), "attack", context.set);
    Fields f(config);
    attack_ = Registry<Attack>::instance().read(f, "attack", attack);
    f.finish();
    std::vector<float> pixels(n * data.height * data.width * data.channels);
    std::vector<int32_t> labels(n), ids(n);
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = random_uniform({.seed = 1}, 0, static_cast<uint32_t>(i));
    for (int32_t i = 0; i < n; ++i) labels[i] = (ids[i] = i) % static_cast<int32_t>(data.classes);
    const Stream s = engine_.stream();
    pixels_ = DeviceArray<float>(s, pixels);
    labels_ = DeviceArray<int32_t>(s, labels);
    ids_ = DeviceArray<int32_t>(s, ids);
    batch_ = {.images = {pixels_.data(), {n, data.height, data.width, data.channels}, DType::f32, s.device},
              .labels = {labels_.data(), {n}, DType::i32, s.device},
              .ids = {ids_.data(), {n}, DType::i32, s.device}};
    check(pixels);
  }

  void run() {
    {
      const Arena::Scope scope(engine_.arena());
      attacked();
    }
    synchronize(engine_.stream());
  }
  Engine& engine() { return engine_; }
  std::string describe() const { return attack_->describe(); }

 private:
  Tensor attacked() {
    return attack_->run({engine_, batch_, {*network_, Pass::eval()}, RngStream(engine_.seed())}).images;
  }
  std::vector<float> images() {
    const Arena::Scope scope(engine_.arena());
    const Tensor x = attacked();
    std::vector<float> host(x.numel());
    copy(engine_.stream(), host.data(), Device::cpu, x.data, x.device, x.bytes());
    synchronize(engine_.stream());
    return host;
  }
  /// There is no reference to hold an attack against: it has to move the images, within their box and its ball, and to
  /// do the same twice.
  void check(const std::vector<float>& clean) {
    const std::vector<float> first = images(), second = images();
    const auto* pgd = dynamic_cast<const Pgd*>(attack_.get());
    const double radius = pgd && pgd->norm == Norm::linf ? pgd->radius : 1;
    double farthest = 0;
    for (size_t i = 0; i < clean.size(); ++i) {
      TEMPER_CHECK(first[i] >= 0 && first[i] <= 1, "attack: expected pixels in [0, 1], got ", first[i]);
      farthest = std::max<double>(farthest, std::abs(first[i] - clean[i]));
    }
    TEMPER_CHECK(farthest > 0 && farthest <= radius + 1e-6, "attack: expected changes of up to ", radius, ", got ",
                 farthest);
    TEMPER_CHECK(first == second, "attack: expected the same images twice, got different ones");
  }

  Experiment experiment_;
  Engine engine_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Attack> attack_;
  DeviceArray<float> pixels_;
  DeviceArray<int32_t> labels_, ids_;
  Batch batch_;
};

struct Attacks : NetworkSuite {
  std::vector<Axis> axes() const override {
    return {{"model", {"resnet18"}, {}},
            {"attack", {"pgd"}, Registry<Attack>::instance().names()},
            {"compute", {"f32"}, {"f32", "tf32", "bf16", "f16"}},
            {"batch", {"64"}, {}}};
  }

  std::vector<BenchCase> cases(SuiteContext& context) const override {
    std::vector<BenchCase> out;
    const Choice& a = context.axes;
    for (const std::string& model : a.at("model"))
      for (const std::string& attack : a.at("attack"))
        for (const std::string& compute : a.at("compute"))
          for (const std::string& batch : a.at("batch"))
            out.push_back({.name = cat(model, "/", attack, "/", compute, "/n", batch),
                           .axes = {{"model", model}, {"attack", attack}, {"compute", compute}, {"batch", batch}},
                           .math = compute,
                           .prepare = [=] {
                             const int64_t n = static_cast<int64_t>(parse_number(batch));
                             const auto work = std::make_shared<AttackWork>(model, compute, attack, n, context);
                             return Work{.runs = {.run = [work](int) { work->run(); }},
                                         .extra = [=](const Peaks& peaks) {
                                           RangeLog log(make_event_clock(context.engine.device()));
                                           AttackWork again(model, compute, attack, n, context, &log);
                                           return Json{{"images", n},
                                                       {"attack", work->describe()},
                                                       {"breakdown", breakdown({log, again.engine(), peaks, compute}, 2,
                                                                               [&] { again.run(); })}};
                                         }};
                           }});
    return out;
  }

  std::string summary(const Report& report) const override {
    std::string out;
    for (const Result& r : report.results) {
      if (!r.failed.empty()) continue;
      out += fmt::format("\n{}: {:.4g} images/s ({})\n", r.name, r.extra.at("images").get<double>() / r.main().median(),
                         r.extra.at("attack").get<std::string>()) +
             breakdown_text(r.extra.at("breakdown"));
    }
    return out;
  }
};

TEMPER_REGISTER(Suite, Attacks, "attack", "attacks alone, and where their time goes");

}  // namespace

}  // namespace temper::bench
