#include "trainers/loop/loop.h"

#include <fstream>

#include "core/files/file.h"
#include "core/files/json.h"

#include "core/files/safetensors.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/loop_fixture.h"
#include "trainers/state/checkpoint.h"

using namespace temper;
using test::last_checkpoint;
using test::Recorder;
using test::Signalling;
using test::TemporaryFolder;
using test::train;

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
    const auto j = parse_json(line);
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
  CHECK_THAT(r.warnings[0], ContainsSubstring("schedule.rates: 20 is probably a mistake"));
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
  CHECK(load_config(run.config().string()).root["trainer"]["attack"]["steps"].text() == "2");
  const auto environment = parse_json(read_text(run.environment().string()));
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
