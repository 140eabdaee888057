// Values that cannot be meant, and those that hardly are, across the keys of an experiment.
#include "tests/fixtures/catch.h"
#include "tests/fixtures/training_fixture.h"

using namespace temper;

namespace {

using Set = std::vector<std::string>;

std::vector<std::string> warnings(const Set& set, const std::string& trainer = test::kPgdAt) {
  return test::tiny(trainer, set).warnings;
}

void check_warned(const Set& set, const std::string& text, const std::string& trainer = test::kPgdAt) {
  INFO(set.front());
  const std::vector<std::string> found = warnings(set, trainer);
  REQUIRE(found.size() == 1);
  CHECK_THAT(found.front(), ContainsSubstring(text));
}

void check_refused(const Set& set, const std::string& text, const std::string& trainer = test::kPgdAt) {
  INFO(set.front());
  CHECK_THROWS_WITH(test::tiny(trainer, set), ContainsSubstring(text));
}

Set pgd(const std::string& radius, const std::string& step, const std::string& norm = "linf") {
  Set set;
  for (const std::string key : {"trainer.attack", "evaluation.validation", "evaluation.attacks.a"})
    for (const auto& [field, value] : {std::pair("norm", norm), {"radius", radius}, {"step", step}})
      set.push_back(key + "." + field + "=" + value);
  return set;
}

}  // namespace

TEST_CASE("rules: what is usual raises no word", "[rules]") {
  CHECK(warnings({}).empty());
  for (const std::string radius : {"2/255", "8/255", "0.031", "0.1", "0.3"})
    for (const std::string& step : Set{"0", "1/255", radius, radius == "8/255" ? "10/255" : "2/255"})
      CHECK(warnings(pgd(radius, step)).empty());
  for (const std::string radius : {"128/255", "0.5", "1", "2", "3"})
    for (const std::string& step : {std::string("0"), std::string("0.1"), std::string("15/255"), radius})
      CHECK(warnings(pgd(radius, step, "l2")).empty());
  CHECK(warnings({"swa.start=3", "loop.select=swa", "schedule={name: steps, milestones: [2, 3]}"}).empty());
}

TEST_CASE("rules: a step is held against its radius", "[rules][errors]") {
  for (const std::string key : {"trainer.attack", "evaluation.validation", "evaluation.attacks.pgd"})
    check_refused({key + ".radius=8/255", key + ".step=2"},
                  key +
                      ".step: expected at most twice the radius, 0.0627451, because a longer step leaves "
                      "only the corners of the ball, got 2; write 2/255");
  check_refused({"trainer.attack.radius=8/255", "trainer.attack.step=0.1"}, "corners of the ball, got 0.1");
  CHECK(warnings({"trainer.attack.radius=0.1", "trainer.attack.step=0.2"}).empty());
  check_warned({"trainer.attack.norm=l2", "trainer.attack.radius=0.5", "trainer.attack.step=15"},
               "trainer.attack.step: 15 is probably a mistake: it is more than twice the radius, 0.5; write 15/255");
}

TEST_CASE("rules: a radius is held against its norm", "[rules][errors]") {
  check_refused({"trainer.attack.radius=8"},
                "trainer.attack.radius: expected at most 1 because pixels are in [0, 1], got 8; write 8/255");
  check_refused({"trainer.attack.radius=1.5"}, "trainer.attack.radius: expected at most 1");
  check_warned({"trainer.attack.radius=0.9"}, "trainer.attack.radius: 0.9 is probably a mistake: it turns any image");
  check_warned({"trainer.attack.radius=0", "trainer.attack.step=0"}, "trainer.attack.radius: 0 is probably a mistake");
  check_warned({"trainer.attack.norm=l2", "trainer.attack.radius=128", "trainer.attack.step=15"},
               "trainer.attack.radius: 128 is probably a mistake: usual values are 0.1 to 10 in L2; write 128/255");
}

TEST_CASE("rules: single values outside of what they can be are refused", "[rules][errors]") {
  const std::string trades = "{name: trades}", cure = "{name: cure}", arat = "{name: arat}";
  check_refused({"model.mean=[125]", "model.std=[63]"}, "model.mean: expected 0 to 1, got 125");
  check_refused({"model.mean=[0.5]", "model.std=[50]"}, "model.std: expected more than 0 and up to 1, got 50");
  check_refused({"model.mean=[0.5]", "model.std=[0]"}, "model.std: expected more than 0 and up to 1, got 0");
  check_refused({"optimizer.momentum=1"}, "optimizer.momentum: expected 0 or more and below 1, got 1");
  check_refused({"optimizer.weight_decay=-1e-4"}, "optimizer.weight_decay: expected 0 or more, got -1e-04");
  check_refused({"optimizer.lr=-0.1"}, "optimizer.lr: expected more than 0");
  check_refused({"optimizer.lr=10", "optimizer.weight_decay=0.1"},
                "optimizer.weight_decay: expected lr * weight_decay");
  check_refused({"optimizer.lr=.nan"}, "optimizer.lr: expected a number, got '.nan'");
  check_refused({"trainer.label_smoothing=-0.1"}, "trainer.label_smoothing: expected 0 or more and below 1, got -0.1");
  check_refused({"trainer.attack.kappa=-1"}, "trainer.attack.kappa: expected 0 or more");
  check_refused({"trainer.attack.momentum=-1"}, "trainer.attack.momentum: expected 0 or more");
  check_refused({"ema.decay=1.5"}, "ema.decay: expected");
  check_refused({"trainer.revision.rate=2"}, "trainer.revision.rate: expected 0 to 1, got 2", cure);
  check_refused({"trainer.rgp.percent=130"}, "trainer.rgp.percent: expected", cure);
  check_refused({"trainer.balance.exponent=0"}, "trainer.balance.exponent: expected more than 0", arat);
  check_refused({"trainer.invariance.temperature=0"}, "trainer.invariance.temperature: expected more than 0", arat);
  check_refused({"trainer.beta=-6"}, "trainer.beta: expected 0 or more", trades);
  check_refused({"schedule={name: steps, factor: 0}"}, "schedule.factor: expected more than 0");
  check_refused({"schedule={name: steps, milestones: [-5, 2]}"}, "schedule.milestones: expected 1 or more, got -5");
  check_refused({"schedule={name: fractions, at: [0, 50], factors: [1, 0.1]}"}, "schedule.at: expected 0 to 1, got 50");
  check_refused({"loop.batch_size=100000000"}, "loop.batch_size: expected 1 to 1048576");
  check_refused({"augment.crop_pad=5000"}, "augment.crop_pad: expected 0 to 1024");
  check_refused({"evaluation.attacks.clean.name=pgd"}, "evaluation.attacks.clean: tables have a column of this name");
}

TEST_CASE("rules: single values that are probably mistakes are warned about", "[rules]") {
  const std::string trades = "{name: trades}", cure = "{name: cure}";
  check_warned({"optimizer.lr=100", "optimizer.weight_decay=0"},
               "optimizer.lr: 100 is probably a mistake; usual values are 1e-07 to 10");
  check_warned({"optimizer.weight_decay=0.5"}, "optimizer.weight_decay: 0.5 is probably a mistake");
  check_warned({"optimizer.momentum=0", "optimizer.nesterov=true"}, "optimizer.nesterov: there is no velocity");
  check_warned({"trainer.label_smoothing=0.9"}, "trainer.label_smoothing: 0.9 is probably a mistake");
  check_warned({"trainer.attack.steps=20000"}, "trainer.attack.steps: 20000 is probably a mistake");
  check_warned({"trainer.attack.momentum=9"}, "trainer.attack.momentum: 9 is probably a mistake");
  check_warned({"trainer.rgp.percent=0.3"}, "trainer.rgp.percent: 0.3 is probably a mistake; usual values are 1 to 99",
               cure);
  check_warned({"trainer.beta=600"}, "trainer.beta: 600 is probably a mistake", trades);
  check_warned({"loop.epochs=100000"}, "loop.epochs: 100000 is probably a mistake");
}

TEST_CASE("rules: what begins after the last epoch is found", "[rules][errors]") {
  check_refused(
      {"swa.start=5", "loop.select=swa"},
      "--set swa.start: swa.start: expected 1 to 3, the epochs of loop.epochs, because loop.select: swa needs "
      "an average, got 5");
  check_warned({"swa.start=5"}, "swa.start: epoch 5 never comes, because loop.epochs is 3: nothing is averaged");
  check_warned({"schedule={name: steps, milestones: [2, 75]}"}, "schedule.milestones: epoch 75 never comes");
  check_warned({"schedule={name: piecewise, epochs: [1, 60], rates: [0.1, 0.01]}"},
               "schedule.epochs: epoch 60 never comes, because loop.epochs is 3");
  check_warned({"schedule={name: cosine, warm_up: 3}"}, "schedule.warm_up: the rate rises to the end");
  CHECK(warnings({"schedule={name: cosine, warm_up: 1}"}).empty());
  check_warned({"trainer.warm_up.epochs=80"}, "trainer.warm_up.epochs: all of training is natural", "{name: cure}");
  check_warned({"trainer.revision.decay_from=101"}, "trainer.revision.decay_from: epoch 101 never comes",
               "{name: cure}");
}

TEST_CASE("rules: what validations are needed for is found without them", "[rules][errors]") {
  check_refused({"loop.early_stop=2", "loop.eval_every=0"},
                "loop.early_stop: needs validations, but loop.eval_every is 0");
  check_warned({"loop.select=ema", "ema.decay=0.9", "data.validation=0"},
               "loop.select: has nothing to choose by, because data.validation is 0");
}
