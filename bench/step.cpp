#include "bench/step.h"

#include <omp.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

#include "attacks/pgd.h"
#include "core/environment.h"
#include "core/ops_elementwise.h"
#include "core/ops_loss.h"
#include "kernels/runtime/memory.h"
#include "kernels/runtime/philox.h"
#include "nn/module.h"
#include "trainers/optimizer.h"

namespace temper::bench {

namespace {

using Clock = std::chrono::steady_clock;
using Method = StepOptions::Method;

/// Seconds of the parts of one step.
struct Split {
  double attack = 0, forward = 0, backward = 0, update = 0;
  double cpu = 0;  ///< processor seconds of all threads
  double total() const { return attack + forward + backward + update; }
};

class StepBench {
 public:
  explicit StepBench(const StepOptions& o)
      : options_(o),
        engine_({.threads = o.threads, .compute = o.compute}),
        network_(engine_, *Registry<Architecture>::instance().make(o.model), {}),
        gradient_(network_.params(), DType::f32, engine_.stream()),
        optimizer_(network_.weights().params, {}, engine_.stream()) {
    attack_.steps = o.attack_steps;
    const int64_t n = o.batch;
    batch_ = {.images = engine_.arena().tensor({n, 32, 32, 3}, DType::f32),
              .labels = engine_.arena().tensor({n}, DType::i32),
              .ids = engine_.arena().tensor({n}, DType::i32)};
    for (int64_t i = 0; i < batch_.images.numel(); ++i)
      batch_.images.as<float>()[i] = random_uniform({.seed = 1}, 0, static_cast<uint32_t>(i));
    for (int64_t i = 0; i < n; ++i) {
      batch_.labels.as<int32_t>()[i] = static_cast<int32_t>(i % 10);
      batch_.ids.as<int32_t>()[i] = static_cast<int32_t>(i);
    }
  }

  Split run() {
    const Arena::Scope scope(engine_.arena());
    Split s;
    auto last = Clock::now();
    const auto lap = [&] {
      synchronize(engine_.stream());
      const auto now = Clock::now();
      return std::chrono::duration<double>(now - std::exchange(last, now)).count();
    };
    const Tensor x_adv = attack();
    s.attack = lap();
    {
      Tape tape(engine_, Wrt::params);
      const Var value = loss(tape, x_adv);
      s.forward = lap();
      tape.backward(value, gradient_);
      s.backward = lap();
    }
    optimizer_.step(engine_.stream(), gradient_, 0.01);
    network_.weights().params.touch();
    s.update = lap();
    ++draw_;
    return s;
  }

  Engine& engine() { return engine_; }

 private:
  Var model(Tape& tape, const Tensor& x, const Pass& pass) { return network_(tape, tape.input(x), pass); }

  Tensor attack() {
    if (options_.method == Method::standard) return batch_.images;
    const auto classifier = [&](Tape& t, const Var& x) { return network_(t, x, Pass::eval()); };
    if (options_.method == Method::pgd_at) return attack_.run(engine_, batch_, classifier, draw_);
    const Var clean{network_.predict(engine_, batch_.images, Pass::eval())};
    return attack_.run(
        engine_, batch_, classifier,
        [&](Tape& t, const Var& logits) { return kl_divergence(t, logits, clean, Reduction::none); }, draw_);
  }

  Var loss(Tape& tape, const Tensor& x_adv) {
    if (options_.method != Method::trades) return cross_entropy(tape, model(tape, x_adv, Pass::train()), batch_.labels);
    const Var natural = model(tape, batch_.images, Pass::train()), robust = model(tape, x_adv, Pass::train());
    return add(tape, cross_entropy(tape, natural, batch_.labels), kl_divergence(tape, robust, natural), 6.f);
  }

  StepOptions options_;
  Engine engine_;
  Network network_;
  Flat gradient_;
  Sgd optimizer_;
  Pgd attack_;
  Batch batch_;
  uint32_t draw_ = 0;
};

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return (v[(v.size() - 1) / 2] + v[v.size() / 2]) / 2;
}

}  // namespace

const char* name(Method method) {
  switch (method) {
    case Method::standard: return "standard";
    case Method::pgd_at: return "pgd_at";
    case Method::trades: return "trades";
  }
  return "?";
}

nlohmann::ordered_json time_steps(const StepOptions& o) {
  StepBench bench(o);
  bench.run();
  std::vector<Split> splits;
  for (int i = 0; i < o.repeat; ++i) {
    const double before = cpu_seconds();
    splits.push_back(bench.run());
    splits.back().cpu = cpu_seconds() - before;
  }

  const auto over = [&](auto f) {
    std::vector<double> v;
    for (const Split& s : splits) v.push_back(f(s));
    return v;
  };
  const std::vector<double> rates = over([&](const Split& s) { return o.batch / s.total(); });
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {{"framework", "temper"},
          {"model", o.model},
          {"method", name(o.method)},
          {"batch", o.batch},
          {"attack_steps", o.attack_steps},
          {"compute", temper::name(o.compute)},
          {"threads", o.threads > 0 ? o.threads : omp_get_max_threads()},
          {"repeat", o.repeat},
          {"images_per_second", median(rates)},
          {"images_per_second_min", *std::min_element(rates.begin(), rates.end())},
          {"images_per_second_max", *std::max_element(rates.begin(), rates.end())},
          {"seconds",
           {{"attack", median(over([](const Split& s) { return s.attack; }))},
            {"forward", median(over([](const Split& s) { return s.forward; }))},
            {"backward", median(over([](const Split& s) { return s.backward; }))},
            {"update", median(over([](const Split& s) { return s.update; }))},
            {"cpu", median(over([](const Split& s) { return s.cpu; }))}}},
          {"memory",
           {{"arena_peak_mb", static_cast<double>(bench.engine().arena().peak()) / (1 << 20)},
            {"process_peak_mb", static_cast<double>(usage.ru_maxrss) / 1024}}},
          {"convolutions", bench.engine().conv().name()},
          {"environment", environment()}};
}

}  // namespace temper::bench
