#include "attacks/pgd.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/toy_mlp.h"

using namespace temper;
using test::ToyMlp;

TEMPER_DEVICE_TEST("attacks agree with the reference implementations on the toy network", "[attacks][golden]") {
  // f64 on a GPU too: only convolutions have none there.
  Engine engine({.device = device, .compute = DType::f64, .arena_mb = 16});
  const ToyMlp net(engine);
  const Batch batch = ToyMlp::batch(engine);
  const Classifier classifier = [&](Tape& t, const Var& x) { return net(t, x); };
  struct Expected {
    PgdOptions options;
    std::vector<double> ce;
    std::vector<int32_t> predicted;
  };
  const auto none = Pgd::Start::none;
  // From auto-attack a392200 and foolbox 2513a9a on this network.
  const Expected cases[] = {
      {{.steps = 0, .start = none},
       {0.31013453854714035, 0.0010053672758013061, 0.08884029501082873, 0.6373317067033427},
       {0, 0, 0, 1}},
      {{.radius = .05, .step = 0, .steps = 1, .start = none},
       {1.0966199150040727, 0.001837465010154579, 0.6314691131315501, 1.9514945688055927},
       {1, 0, 0, 0}},
      {{.radius = .05, .step = .0125, .steps = 20, .start = none},
       {1.0966199150040727, 0.0018451866253841155, 0.6314691131315501, 1.9566422423637753},
       {1, 0, 0, 0}},
      {{.radius = .05, .step = .005, .steps = 30, .start = none, .loss = Pgd::Loss::margin, .kappa = 50},
       {1.0966199150040727, 0.0018451866253841155, 0.6314691131315501, 1.9566422423637753},
       {1, 0, 0, 0}},
      {{.radius = .05, .step = 0, .steps = 10, .start = none, .momentum = 1},
       {1.0966199150040727, 0.001837465010154579, 0.6314691131315501, 1.9514945688055927},
       {1, 0, 0, 0}},
      {{.norm = Norm::l2, .radius = .2, .step = .05, .steps = 20, .start = none},
       {1.4454319756313987, 0.0022609498904196342, 1.0168770007161763, 2.4277737482956656},
       {1, 0, 1, 0}}};
  for (const Expected& c : cases) {
    const Pgd attack(c.options);
    INFO(attack.describe());
    const Tensor x = attack.run({engine, batch, classifier, RngStream(engine.seed())}).images;
    Tape tape(engine, Wrt::nothing);
    const Var logits = net(tape, {x});
    const Var ce = cross_entropy(tape, logits, batch.labels, Reduction::none);
    for (int i = 0; i < 4; ++i) CHECK(test::numbers_of(engine, ce.value)[i] == Approx(c.ce[i]).epsilon(1e-8));
    CHECK(predictions(engine, logits.value) == c.predicted);
  }
}

TEST_CASE("every preset is registered with the literature's parameters", "[attacks]") {
  const auto described = [](const char* name) { return Registry<Attack>::instance().make(name)->describe(); };
  CHECK(described("pgd") ==
        "PGD linf: radius 0.031373 (8/255), step 0.007843, 10 steps, start uniform, 1 run, returns "
        "last, unsaturated cross entropy");
  CHECK(described("fgsm") ==
        "PGD linf: radius 0.031373 (8/255), step 0.031373, 1 step, start none, 1 run, returns "
        "last, unsaturated cross entropy");
  CHECK(described("mi_fgsm") ==
        "PGD linf: radius 0.031373 (8/255), step 0.003137, 10 steps, start none, 1 run, "
        "returns last, unsaturated cross entropy, momentum 1");
  CHECK(described("cw_linf") ==
        "PGD linf: radius 0.031373 (8/255), step 0.007843, 30 steps, start uniform, 1 run, "
        "returns last, margin loss with kappa 50");
  CHECK(described("pgd20-trades") ==
        "PGD linf: radius 0.031000 (7.905/255), step 0.003000, 20 steps, start uniform_unclipped, 1 run, returns last, "
        "unsaturated cross entropy; note: 0.031 is 7.905/255, not 8/255 = 0.031373");
  for (const char* name : {"fgsm-fat", "pgd20-trades-orig", "pgd20-cure", "pgd20-cure-monitor", "pgd20-cure-cka",
                           "pgd20-fat", "pgd20-fat-orig", "pgd20-madry", "pgd20-2", "pgd10-rice", "pgd50", "pgd100",
                           "pgd10-trades-train", "cw30-fat", "cw30-mart", "cw20-cure"})
    CHECK(Registry<Attack>::instance().has(name));
  CHECK(Pgd({.restarts = 3, .restart_rule = Pgd::RestartRule::any_success})
            .describe()
            .find("3 runs, returns last of the run by any_success") != std::string::npos);
}

TEST_CASE("an attack section overrides a preset and is checked", "[attacks][errors]") {
  const auto read = [](const std::string& text) {
    const Config config = parse_config(text, "c.yaml");
    Fields f(config);
    std::string name = "pgd";
    const std::unique_ptr<Attack> attack = Registry<Attack>::instance().read(f, "attack", name);
    f.finish();
    return attack->describe();
  };
  CHECK(
      read("attack: {name: fgsm, radius: 4/255}") ==
      "PGD linf: radius 0.015686 (4/255), step 0.015686, 1 step, start none, 1 run, returns last, unsaturated cross entropy");
  CHECK(read("attack: {norm: l2, radius: 0.5, step: 0.1, start: gauss001, restarts: 2, return: any_success}") ==
        "PGD l2: radius 0.500000 (127.5/255), step 0.100000, 10 steps, start gauss001, 2 runs, returns any_success, "
        "unsaturated cross entropy");
  CHECK(
      read("attack: {norm: l2, radius: 0.5, step: 0.1, l2_order: box_first, gradient: pytorch}") ==
      "PGD l2: radius 0.500000 (127.5/255), step 0.100000, 10 steps, start uniform, 1 run, returns last, cross entropy, "
      "box first");
  CHECK_THROWS_WITH(
      read("attack:\n  radius: 8"),
      "c.yaml line 2: attack.radius: expected at most 1 because pixels are in [0, 1], got 8; write 8/255");
  CHECK_THROWS_WITH(read("attack:\n  steps: -1"), "c.yaml line 2: attack.steps: expected 0 to 1000000, got -1");
  CHECK_THROWS_WITH(read("attack:\n  restarts: 0"), "c.yaml line 2: attack.restarts: expected 1 to 1000000, got 0");
  CHECK_THROWS_WITH(read("attack:\n  kappa: -1"), "c.yaml line 2: attack.kappa: expected 0 or more, got -1");
  CHECK_THROWS_WITH(read("attack:\n  momentum: -1"), "c.yaml line 2: attack.momentum: expected 0 or more, got -1");
}
