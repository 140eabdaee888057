#include <algorithm>

#include "attacks/attack_observer.h"
#include "attacks/pgd.h"
#include "core/files/json.h"
#include "core/files/npz.h"
#include "core/host.h"
#include "core/text.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/cli_fixture.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/networks.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/temporary_folder.h"
#include "tests/fixtures/training_fixture.h"
#include "trainers/records/step_differences.h"

using namespace temper;
using test::Ran;
using test::temper_command;

namespace {

StepRecord recorded(const std::vector<std::string>& set = {}, int64_t steps = 4) {
  Experiment e = test::tiny(test::kPgdAt, set);
  return record_steps("tiny", e, steps);
}

/// The built-in experiment of a method on the CPU, two steps.
Ran audit(const std::vector<std::string>& methods, const std::vector<std::string>& options,
          const std::vector<std::string>& set = {}) {
  std::vector<std::string> args = {"audit", "steps"};
  args.insert(args.end(), methods.begin(), methods.end());
  args.insert(args.end(), {"--steps", "2"});
  args.insert(args.end(), options.begin(), options.end());
  args.insert(args.end(), {"--set", "device=cpu", "loop.batch_size=8"});
  args.insert(args.end(), set.begin(), set.end());
  return temper_command(args);
}

}  // namespace

TEST_CASE("An observer is shown what an attack returns", "[audit][attack]") {
  struct Keep : AttackObserver {
    std::vector<std::vector<double>> found;
    void on_found(Engine& engine, const Tensor& images) override { found.push_back(host_values(engine, images)); }
  } keep;
  Engine engine({.threads = 1, .attacks = &keep});
  const auto network = test::network(engine, "{name: test_net}", {.data = {8, 8, 1, 3}});
  const ImageSet set = Registry<DatasetReader>::instance().make("test_stripes")->train();
  Loader loader(engine, set, {.batch_size = 6});
  const Pgd pgd({.radius = 0.05, .step = 0.02, .steps = 2});
  const Tensor result = pgd.run({engine, loader.load(0, 0), {*network, Pass::eval()}, RngStream(engine.seed())}).images;
  REQUIRE(keep.found.size() == 1);
  CHECK(keep.found[0] == host_values(engine, result));
}

TEST_CASE("Steps recorded twice are the same; another seed's are not", "[audit]") {
  const StepRecord a = recorded(), b = recorded(), other = recorded({"seed=6"});
  CHECK(unequal(a, b).empty());
  CHECK(beyond(differences(a, b), {}, 1).empty());
  CHECK(a.numbers.at("loss").size() == 4);
  CHECK(a.images.size() == 4 * 8 * 64);
  CHECK(a.moved > 0);
  CHECK(beyond(differences(other, a), step_tolerance(Precision::bf16), 1).size() > 2);
  const std::vector<std::string> names = unequal(other, a);
  for (const char* name : {"loss", "gradient", "images", "weights", "statistics"})
    CHECK(std::count(names.begin(), names.end(), name) == 1);
}

TEST_CASE("Recorded images are those of each step's attack, also slice by slice", "[audit]") {
  // Without an attack they are the clean ones: the radius tells the two apart, image by image.
  const StepRecord attacked = recorded(), clean = recorded({"trainer.attack.radius=0"});
  REQUIRE(attacked.images.size() == clean.images.size());
  double most = 0;
  int64_t at_border = 0;
  for (size_t i = 0; i < 8 * 64; ++i) {
    const double moved = std::abs(attacked.images[i] - clean.images[i]);
    most = std::max(most, moved);
    at_border += moved > 0.0499;
  }
  CHECK(most == Approx(0.05).epsilon(1e-5));
  CHECK(at_border > 100);
}

TEST_CASE("An attack that does nothing is beyond the tolerance of every precision", "[audit]") {
  const StepRecord right = recorded(), useless = recorded({"trainer.attack.steps=0"}),
                   frozen = recorded({"trainer.attack.step=1e-6"});
  for (const Precision p : {Precision::f32, Precision::tf32, Precision::f16, Precision::bf16}) {
    CAPTURE(name(p));
    for (const StepRecord* wrong : {&useless, &frozen}) {
      const std::vector<std::string> lines = beyond(differences(*wrong, right), step_tolerance(p), 1);
      CHECK(
          std::any_of(lines.begin(), lines.end(), [](const auto& l) { return l.starts_with("images of the first"); }));
    }
  }
}

TEST_CASE("A GPU's steps are within the tolerance of the CPU's, and the same bits as a graph", "[audit][graph][cuda]") {
  TEMPER_NEEDS_CUDA();
  const StepRecord cpu = recorded(), gpu = recorded({"device=cuda", "graph=off"}),
                   graph = recorded({"device=cuda", "graph=on"});
  const std::vector<std::string> lines = beyond(differences(gpu, cpu), step_tolerance(Precision::f32), 1);
  CAPTURE(join(lines, "; "));
  CHECK(lines.empty());
  CHECK(gpu.launched == 0);
  CHECK(graph.launched >= 2);
  CHECK(unequal(graph, gpu) == std::vector<std::string>{});
}

TEST_CASE("Records survive a file; what is no record says so", "[audit]") {
  const test::TemporaryFolder folder;
  const StepRecord a = recorded();
  save_npz(folder.file("a.npz"), to_arrays({a}));
  const std::vector<StepRecord> read = to_records(load_npz(folder.file("a.npz")), "a.npz");
  REQUIRE(read.size() == 1);
  CHECK(unequal(read[0], a).empty());
  CHECK(read[0].label == "tiny");
  CHECK(read[0].experiment == a.experiment);
  CHECK(read[0].inputs == a.inputs);
  CHECK_THAT(a.inputs, ContainsSubstring("\"train\":{\"count\":60,"));
  CHECK(read[0].steps == 4);
  CHECK(read[0].moved == a.moved);
  CHECK_THROWS_WITH(to_records({{.name = "conv1.weight"}}, "w.npz"),
                    ContainsSubstring("arrays are named LABEL/CONTENT"));
  CHECK_THROWS_WITH(to_records({{.name = "tiny/bias"}}, "w.npz"), ContainsSubstring("has no such array"));
}

TEST_CASE("What cannot be compared is infinitely far apart", "[audit]") {
  const StepRecord a = recorded();
  StepRecord without_images = a, fewer_terms = a, nan = a;
  without_images.images.clear();
  fewer_terms.numbers.erase("loss");
  nan.numbers["loss"][1] = NAN;
  for (const StepRecord* r : {&without_images, &fewer_terms, &nan}) {
    CHECK(std::isinf(differences(*r, a).all.loss));
    CHECK_FALSE(beyond(differences(*r, a), step_tolerance(Precision::bf16), 1e9).empty());
  }
  CHECK_THROWS_WITH(recorded({}, 7), ContainsSubstring("at most 6 steps because an epoch has so many whole batches"));
}

TEST_CASE("temper audit steps compares every method with a file, and with itself", "[audit][app]") {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("steps.npz");
  const Ran saved = audit({}, {"--save", file, "--twice"});
  CHECK(saved.err == "");
  CHECK(saved.code == kExitOk);
  const Ran same = audit({}, {"--against", file, "--exact", "--json", folder.file("steps.json")});
  CHECK(same.err == "");
  CHECK(same.code == kExitOk);
  const auto j = parse_json(test::slurp(folder.file("steps.json")));
  CHECK(j["failures"].empty());
  for (const std::string& method : Registry<Trainer>::instance().names()) {
    CHECK_THAT(same.out, ContainsSubstring(method));
    CHECK(j["experiments"][method]["all"]["loss"] == 0);
  }

  const Ran seed = audit({"pgd_at"}, {"--against", file}, {"seed=7"});
  CHECK(seed.code == kExitError);
  CHECK_THAT(seed.err, ContainsSubstring("pgd_at: is another experiment") && ContainsSubstring("seed: 1 -> 7"));
  const Ran far = audit({"pgd_at"}, {"--against", file, "--looser", "1e-9"}, {"exact=true"});
  CHECK(far.code == kExitError);
  CHECK_THAT(far.err, ContainsSubstring("pgd_at: too far from"));
  CHECK_THAT(far.out, ContainsSubstring("FAILED"));
  const Ran inexact = audit({"pgd_at"}, {"--against", file, "--exact"}, {"exact=true"});
  CHECK_THAT(inexact.err, ContainsSubstring("pgd_at: expected the same bits as in"));
}

TEST_CASE("temper audit steps names what is in one of the two only", "[audit][app]") {
  const test::TemporaryFolder folder;
  const std::string one = folder.file("one.npz"), more = folder.file("more.npz");
  test::write_file(folder.path() / "mine.yaml", test::tiny_yaml(test::kPgdAt));
  REQUIRE(audit({folder.file("mine.yaml")}, {"--save", one}).code == kExitOk);
  const Ran missing = audit({"standard"}, {"--against", one});
  CHECK(missing.code == kExitError);
  CHECK_THAT(missing.err, ContainsSubstring("standard: is not in") && ContainsSubstring("which has mine"));
  std::vector<NamedArray> elsewhere = load_npz(one);
  for (NamedArray& a : elsewhere)
    if (a.name == "mine/inputs") a.bytes[std::string(a.bytes.begin(), a.bytes.end()).find("images\":\"") + 9] = '?';
  save_npz(more, elsewhere);
  const Ran other_data = audit({folder.file("mine.yaml")}, {"--against", more});
  CHECK(other_data.code == kExitError);
  CHECK_THAT(other_data.err, ContainsSubstring("mine: is trained on other data than that in ") &&
                                 ContainsSubstring("training images: other pixels: ?"));
  const Ran twice = audit({folder.file("mine.yaml"), folder.file("mine.yaml")}, {"--save", one});
  CHECK(twice.code == kExitUsage);
  CHECK_THAT(twice.err, ContainsSubstring("two experiments are called mine"));
  CHECK_THAT(audit({"standard"}, {}).err, ContainsSubstring("expected --save FILE, --against FILE or --twice"));
  CHECK_THAT(audit({"standard"}, {"--exact"}).err, ContainsSubstring("--exact: expected --against FILE"));
}
