#include "trainers/loop.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include <nlohmann/json.hpp>

#include "core/file.h"
#include "core/safetensors.h"
#include "tests/devices.h"
#include "tests/training_fixture.h"
#include "trainers/checkpoint.h"

using namespace temper;
using test::Recorder;
using test::TemporaryFolder;

namespace {

TrainResult train(const std::filesystem::path& folder, Observer& observer, Resume resume = Resume::no,
                  const std::vector<std::string>& set = {}, const std::string& trainer = test::kPgdAt) {
  Experiment e = test::tiny(trainer, set);
  return run_training(e, {folder}, observer, resume);
}

std::vector<char> last_checkpoint(const std::filesystem::path& folder) {
  return read_file(RunFolder{folder}.last().string());
}

// Everything a checkpoint can hold, saved within epochs too.
const std::vector<std::string> kEverything = {"ema.decay=0.9", "swa.start=2", "swa.every=2", "loop.checkpoint_steps=2"};

// Sends itself a signal at one step.
struct Signalling : Recorder {
  int number;
  int64_t epoch, step;
  Signalling(int number, int64_t epoch, int64_t step) : number(number), epoch(epoch), step(step) {}
  void on_step(const StepReport& r) override {
    Recorder::on_step(r);
    if (r.epoch == epoch && r.step == step) std::raise(number);
  }
};

constexpr const char* kChildFolder = "TEMPER_TEST_CHILD_FOLDER";

// This very program again, as a child that trains in `folder` until its observer kills it. Not fork alone: threads
// do not survive it.
int run_child(const std::filesystem::path& folder) {
  ::setenv(kChildFolder, folder.c_str(), 1);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/proc/self/exe", "temper_tests", "a child that is killed while it trains", nullptr);
    ::_exit(127);
  }
  ::unsetenv(kChildFolder);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("a child that is killed while it trains", "[.child]") {
  const char* folder = std::getenv(kChildFolder);
  if (!folder) return;
  Signalling kill(SIGKILL, 2, 5);
  train(folder, kill, Resume::no, kEverything);
}

TEST_CASE("loop: killed in mid-epoch and resumed, a run ends with the same bits") {
  const TemporaryFolder whole, killed;
  Recorder a, b;
  train(whole.path(), a, Resume::no, kEverything);
  const int status = run_child(killed.path());
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGKILL);
  const TrainResult result = train(killed.path(), b, Resume::yes, kEverything);
  CHECK(result.outcome == Outcome::finished);
  CHECK(b.starts.at(0).epoch == 2);
  CHECK(b.starts.at(0).step == 4);  // checkpoints after steps 2, 4
  CHECK(last_checkpoint(whole.path()) == last_checkpoint(killed.path()));
  for (const char* file : {"best", "ema", "swa"}) {
    const std::string name = std::string("checkpoints/") + file + ".safetensors";
    CHECK(read_file((whole.path() / name).string()) == read_file((killed.path() / name).string()));
  }
  CHECK(b.epochs.back().train_loss == a.epochs.back().train_loss);
}

TEST_CASE("loop: a resume that finds the last checkpoint damaged continues from the previous one") {
  const TemporaryFolder whole, cut;
  Recorder a, b;
  train(whole.path(), a, Resume::no, kEverything);
  Signalling stop(SIGTERM, 2, 5);
  train(cut.path(), stop, Resume::no, kEverything);
  std::filesystem::resize_file(RunFolder{cut.path()}.last(), 1000);
  train(cut.path(), b, Resume::yes, kEverything);
  REQUIRE(b.warnings.size() == 1);
  CHECK_THAT(b.warnings[0], ContainsSubstring("continuing from the previous checkpoint"));
  CHECK(b.starts.at(0).step == 4);
  CHECK(last_checkpoint(whole.path()) == last_checkpoint(cut.path()));
}

TEMPER_DEVICE_TEST("loop: SIGTERM finishes the step, saves, and the resumed run ends with the same bits", "[resume]") {
  const std::vector<std::string> set = test::on(device, kEverything);
  const TemporaryFolder whole, cut;
  Recorder a, b;
  train(whole.path(), a, Resume::no, set);
  Signalling stop(SIGTERM, 2, 3);
  const TrainResult first = train(cut.path(), stop, Resume::no, set);
  CHECK(first.outcome == Outcome::interrupted);
  CHECK(first.end.outcome == "interrupted");
  CHECK(stop.steps.back().step == 3);
  CHECK(stop.steps.back().epoch == 2);
  CHECK(train(cut.path(), b, Resume::yes, set).outcome == Outcome::finished);
  CHECK(b.steps.front().step == 4);
  CHECK(last_checkpoint(whole.path()) == last_checkpoint(cut.path()));

  // The metrics tell one story, without repeated or missing steps.
  std::ifstream in(RunFolder{cut.path()}.metrics());
  std::vector<std::pair<int64_t, int64_t>> steps;
  for (std::string line; std::getline(in, line);) {
    const auto j = nlohmann::json::parse(line);
    if (j.at("event") == "step") steps.emplace_back(j.at("epoch"), j.at("step"));
  }
  REQUIRE(steps.size() == 18);
  for (int64_t i = 0; i < 18; ++i) CHECK(steps[i] == std::pair<int64_t, int64_t>(i / 6 + 1, i % 6 + 1));
}

TEST_CASE("loop: SIGINT during validation leaves the epoch open; it is validated once, after the resume") {
  struct InValidation : Recorder {
    void on_evaluate(const std::string&, int64_t, int64_t) override {
      if (epochs.size() == 1) std::raise(SIGINT);
    }
  };
  const TemporaryFolder whole, cut;
  Recorder a, b;
  train(whole.path(), a);
  InValidation stop;
  CHECK(train(cut.path(), stop).outcome == Outcome::interrupted);
  CHECK(stop.epochs.size() == 1);
  train(cut.path(), b, Resume::yes);
  CHECK(b.epochs.size() == 2);
  CHECK(last_checkpoint(whole.path()) == last_checkpoint(cut.path()));
}

TEST_CASE("loop: a loss that is not finite names epoch, step, rate and the last good checkpoint") {
  const TemporaryFolder early, late;
  Recorder r;
  CHECK_THROWS_WITH(train(early.path(), r, Resume::no, {"optimizer.lr=1e30", "optimizer.weight_decay=0"}),
                    ContainsSubstring("training: the ") && ContainsSubstring(" in epoch 1, step ") &&
                        ContainsSubstring(" of 6, at learning rate 1e+30") &&
                        ContainsSubstring("There is no checkpoint yet"));
  const std::vector<std::string> blow_up = {"schedule={name: piecewise, epochs: [1, 2], rates: [0.01, 1e30]}"};
  CHECK_THROWS_WITH(train(late.path(), r, Resume::no, blow_up), ContainsSubstring("in epoch 2, step 2 of 6") &&
                                                                    ContainsSubstring("The last good checkpoint is ") &&
                                                                    ContainsSubstring("last.safetensors"));
  const Safetensors last = load_safetensors(RunFolder{late.path()}.last().string());
  CHECK(last.metadata.at("progress.epoch") == "2");
}

TEST_CASE("loop: without a smaller last batch, steps, schedule, averages and resumes count the steps that there are") {
  const TemporaryFolder whole, cut;
  Recorder kept, a, b;
  // 48 images: six batches of 7 and one of 6.
  const std::vector<std::string> set = {"loop.batch_size=7", "loop.last_batch=drop",   "schedule={name: cosine}",
                                        "ema.decay=0.9",     "ema.bn=estimate",        "swa.start=2",
                                        "swa.bn=estimate",   "loop.checkpoint_steps=2"};
  std::vector<std::string> keep = set;
  keep[1] = "loop.last_batch=keep";
  {
    const TemporaryFolder folder;
    train(folder.path(), kept, Resume::no, keep);
  }
  train(whole.path(), a, Resume::no, set);
  CHECK(kept.starts.at(0).steps_per_epoch == 7);
  CHECK(a.starts.at(0).steps_per_epoch == 6);
  CHECK(a.steps.size() == 3 * 6);
  CHECK(a.ends.at(0).steps == 3 * 6);
  // The cosine falls to the same end in fewer steps.
  CHECK(a.steps.at(6).lr == Approx(kept.steps.at(7).lr));
  CHECK(a.steps.back().lr < 0.01 * a.steps.front().lr);
  CHECK(a.steps.at(0).loss == kept.steps.at(0).loss);

  Signalling stop(SIGTERM, 2, 3);
  train(cut.path(), stop, Resume::no, set);
  CHECK_THROWS_WITH(train(cut.path(), b, Resume::yes, keep), ContainsSubstring("loop.last_batch: drop -> keep"));
  train(cut.path(), b, Resume::yes, set);
  CHECK(last_checkpoint(whole.path()) == last_checkpoint(cut.path()));
}

TEST_CASE("loop: validations are the same with a last batch that is filled up") {
  // 12 images for validation: a batch of 7 and one of 5.
  const auto epochs = [](const std::string& last) {
    const TemporaryFolder folder;
    Recorder r;
    train(folder.path(), r, Resume::no, {"evaluation.last_batch=" + last, "ema.decay=0.9"});
    std::vector<double> out;
    for (const EpochReport& e : r.epochs)
      out.insert(out.end(), {e.validation->clean, e.validation->robust, e.ema->clean, e.ema->robust});
    return out;
  };
  CHECK(epochs("pad") == epochs("keep"));
  CHECK(epochs("auto") == epochs("keep"));
}

TEST_CASE("loop: on a GPU convolutions are chosen before the step that needs them, which is on record", "[cuda]") {
  TEMPER_NEEDS_CUDA();
  const TemporaryFolder folder;
  Recorder r;
  // After the warm-up the step is another one.
  train(folder.path(), r, Resume::no, {"device=cuda", "convolution.cache=off"},
        "{name: cure, attack: {radius: 0.05, step: 0.02, steps: 2}, warm_up: {epochs: 1}}");
  std::ifstream metrics(RunFolder{folder.path()}.metrics());
  std::vector<std::string> events;
  for (std::string line; std::getline(metrics, line);) {
    const auto j = nlohmann::json::parse(line);
    const std::string event = j.at("event");
    if (event == "plans") {
      CHECK(j.at("made").get<int>() > 0);
      CHECK(j.at("seconds").get<double>() > 0);
    }
    if (event == "plans" || (event == "step" && j.at("step") == 1))
      events.push_back(cat(event, " ", j.at("epoch").get<int>()));
  }
  CHECK(events == std::vector<std::string>{"plans 1", "step 1", "plans 2", "step 2", "step 3"});
}

TEST_CASE("loop: what a folder or a configuration cannot be used for is said") {
  const TemporaryFolder folder, empty;
  Recorder r;
  train(folder.path(), r, Resume::no, {"loop.epochs=1"});
  CHECK_THROWS_WITH(train(folder.path(), r),
                    ContainsSubstring("already holds a run; continue it with --resume, or choose another folder"));
  CHECK_THROWS_WITH(train(empty.path(), r, Resume::yes), ContainsSubstring("holds no run; start it without --resume"));
  CHECK_THROWS_WITH(train(folder.path(), r, Resume::yes, {"optimizer.lr=0.5", "seed=7", "loop.epochs=2"}),
                    ContainsSubstring("resume: this is not the configuration of") &&
                        ContainsSubstring("optimizer.lr: 0.05 -> 0.5\n  seed: 5 -> 7\n"));
  CHECK(train(folder.path(), r, Resume::yes, {"loop.epochs=2"}).end.epochs == 2);
}

TEST_CASE("loop: keys that came after a run was begun stand for their defaults when it is resumed") {
  const TemporaryFolder folder;
  Recorder r;
  Experiment e = test::tiny(test::kPgdAt, {"loop.epochs=1"});
  e.resolved.remove("exact");
  e.resolved["optimizer"].remove("nesterov");
  run_training(e, {folder.path()}, r, Resume::no);
  CHECK_THROWS_WITH(train(folder.path(), r, Resume::yes, {"loop.epochs=2", "optimizer.nesterov=true"}),
                    ContainsSubstring("it differs in\n  optimizer.nesterov: false -> true\n"));
  CHECK(train(folder.path(), r, Resume::yes, {"loop.epochs=2"}).end.epochs == 2);
}

TEST_CASE("loop: a finished run resumed does nothing; one stopped before its first checkpoint starts over") {
  const TemporaryFolder folder, killed;
  Recorder a, b, c;
  train(folder.path(), a);
  const std::vector<char> before = last_checkpoint(folder.path());
  CHECK(train(folder.path(), b, Resume::yes).outcome == Outcome::finished);
  CHECK(b.steps.empty());
  CHECK(last_checkpoint(folder.path()) == before);
  std::filesystem::remove_all(RunFolder{folder.path()}.checkpoints());
  train(folder.path(), c, Resume::yes);
  CHECK_THAT(c.warnings.at(0), ContainsSubstring("stopped before its first checkpoint; starting from the beginning"));
  CHECK(last_checkpoint(folder.path()) == before);
}

TEST_CASE("loop: the best network by robust validation accuracy is kept, and early stop counts from it") {
  const TemporaryFolder folder;
  Recorder r;
  const TrainResult result = train(folder.path(), r, Resume::no, {"loop.epochs=30", "loop.early_stop=3"});
  double best = -1;
  int64_t best_epoch = 0;
  for (const EpochReport& e : r.epochs) {
    CHECK(e.best == (e.validation->robust > best));
    if (e.best) best = e.validation->robust, best_epoch = e.epoch;
  }
  CHECK(result.end.best_epoch == best_epoch);
  CHECK(result.end.best.robust == best);
  CHECK(result.outcome == Outcome::early_stop);
  CHECK(r.epochs.back().epoch == best_epoch + 3);
  Recorder again;
  CHECK(train(folder.path(), again, Resume::yes, {"loop.epochs=30", "loop.early_stop=3"}).outcome ==
        Outcome::early_stop);
  CHECK(again.steps.empty());
}

TEMPER_DEVICE_TEST("loop: every method learns a tiny set", "[trainers]") {
  for (const std::string& trainer :
       {std::string("{name: standard}"), test::kPgdAt,
        std::string("{name: trades, beta: 1, attack: {radius: 0.05, step: 0.02, steps: 2}}")}) {
    const TemporaryFolder folder;
    Recorder r;
    const TrainResult result = train(folder.path(), r, Resume::no, test::on(device, {"loop.epochs=16"}), trainer);
    INFO(trainer);
    CHECK(r.epochs.back().train_loss < 0.2);
    CHECK(result.end.best.clean == 100);
  }
}

TEST_CASE("loop: a collapse of robust accuracy is reported once and can end the run") {
  // After two good epochs a huge rate ruins the network.
  const std::vector<std::string> ruin = {"loop.epochs=12", "loop.on_collapse=stop", "evaluation.validation.radius=0.02",
                                         "schedule={name: piecewise, epochs: [1, 10], rates: [0.05, 20]}"};
  const TemporaryFolder folder;
  Recorder r;
  const TrainResult result = train(folder.path(), r, Resume::no, ruin);
  CHECK(result.outcome == Outcome::collapse);
  REQUIRE(r.warnings.size() == 2);
  CHECK_THAT(r.warnings[0], ContainsSubstring("schedule.rates: 20 is hardly meant"));
  CHECK_THAT(r.warnings[1], ContainsSubstring("robust accuracy on the validation images fell from") &&
                                ContainsSubstring("under a single step (FGSM)"));
}

TEMPER_DEVICE_TEST("loop: two engines in one process do not disturb each other", "[resume]") {
  struct Nested : Recorder {
    std::filesystem::path folder;
    Device device;
    void on_epoch(const EpochReport& e) override {
      Recorder::on_epoch(e);
      if (e.epoch > 1) return;
      Recorder inner;
      train(folder, inner, Resume::no, test::on(device, {"seed=9"}));
    }
  };
  const TemporaryFolder alone, outer, inner, inner_alone;
  Recorder a, b;
  Nested nested;
  nested.folder = inner.path();
  nested.device = device;
  train(alone.path(), a, Resume::no, test::on(device));
  train(inner_alone.path(), b, Resume::no, test::on(device, {"seed=9"}));
  train(outer.path(), nested, Resume::no, test::on(device));
  CHECK(last_checkpoint(alone.path()) == last_checkpoint(outer.path()));
  CHECK(last_checkpoint(inner_alone.path()) == last_checkpoint(inner.path()));
}

TEST_CASE("loop: the number of threads changes no bit of the trained network") {
  for (const char* how : {"precision.compute=f32", "precision.compute=f64", "exact=true"}) {
    CAPTURE(how);
    const TemporaryFolder one, two;
    Recorder r;
    train(one.path(), r, Resume::no, {"threads=1", how});
    train(two.path(), r, Resume::no, {"threads=2", how});
    const auto arrays = [](const TemporaryFolder& f) {
      return load_safetensors(RunFolder{f.path()}.last().string()).arrays;
    };
    CHECK(arrays(one) == arrays(two));
  }
}

TEST_CASE("loop: the run folder explains the run") {
  const TemporaryFolder folder;
  Recorder r;
  train(folder.path(), r);
  const RunFolder run{folder.path()};
  CHECK(YAML::LoadFile(run.config().string())["trainer"]["attack"]["steps"].as<int>() == 2);
  const std::vector<char> text = read_file(run.environment().string());
  const auto environment = nlohmann::json::parse(text.begin(), text.end());
  CHECK(environment.at("device") == "cpu");
  CHECK(environment.contains("started"));
  std::ifstream csv(run.epochs_csv());
  std::vector<std::string> lines;
  for (std::string line; std::getline(csv, line);) lines.push_back(line);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].rfind("epoch,train_loss,lr,clean,robust,ema_clean,ema_robust", 0) == 0);
  CHECK(lines[3].rfind("3,", 0) == 0);
  CHECK(r.starts.at(0).steps_per_epoch == 6);
  CHECK(r.ends.at(0).outcome == "finished");
}

TEMPER_DEVICE_TEST("loop: a run starts from a file of weights or from a checkpoint; frozen parameters stay",
                   "[resume]") {
  const TemporaryFolder first, second;
  Recorder r;
  train(first.path(), r, Resume::no, test::on(device));
  const RunFolder run{first.path()};
  for (const auto& file : {run.best(), run.last()}) {
    Experiment e =
        test::tiny(test::kPgdAt, test::on(device, {"model.weights=" + file.string(), "model.freeze=[conv1.*]"}));
    TrainingState state(e, read_splits(e));
    const std::vector<double> start = state.network->weights().params.read(0);
    Experiment untrained = test::tiny(test::kPgdAt, test::on(device));
    CHECK(start != TrainingState(untrained, read_splits(untrained)).network->weights().params.read(0));
    std::filesystem::remove_all(second.path());
    run_training(e, {second.path()}, r);
    load_network(*state.network, RunFolder{second.path()}.last().string());
    CHECK(state.network->weights().params.read(0) == start);
  }
  CHECK_THROWS_WITH(train(second.path() / "x", r, Resume::no, {"model.freeze=[conv9.*]"}),
                    ContainsSubstring("freeze: no parameter matches 'conv9.*'"));
}
