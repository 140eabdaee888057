#include "apps/progress.h"

#include <sstream>

#include "tests/fixtures/catch.h"

namespace temper {

namespace {

const ProgressView kFull{.task = "epoch 3/6",
                         .fraction = 0.474,
                         .seconds_left = 71.2,
                         .images_per_second = 231.4,
                         .loss = 0.87312,
                         .clean = 76.14,
                         .robust = 64.26};

// Goes through what a short run reports.
void play(ConsoleObserver& o) {
  o.on_start({.method = "pgd_at",
              .model = "small_cnn",
              .data = "some",
              .device = "cpu",
              .parameters = 123456,
              .images_train = 9000,
              .images_validation = 1000,
              .epochs = 2,
              .steps_per_epoch = 2});
  o.on_step({.epoch = 1, .epochs = 2, .step = 1, .steps_per_epoch = 2, .loss = 1.5, .images_per_second = 100});
  o.on_evaluate("validation", 10, 10);
  o.on_epoch({.epoch = 1,
              .epochs = 2,
              .train_loss = 1.25,
              .lr = 0.1,
              .seconds = 4,
              .images_per_second = 231,
              .validation = ValidationReport{71.25, 58.5},
              .best = true});
  o.on_warning("robust accuracy fell");
  o.on_epoch({.epoch = 2, .epochs = 2, .train_loss = 1, .lr = 0.01, .seconds = 4, .images_per_second = 230});
  o.on_end({.outcome = "early_stop", .epochs = 2, .peak_bytes = 3 << 20});
}

}  // namespace

TEST_CASE("progress_line shows everything where there is room", "[app]") {
  CHECK(progress_line(kFull, {}, 120) ==
        "epoch 3/6 ===========------------- 47%  1:12 left  231 img/s  loss 0.873  clean 76.1  robust 64.3");
  CHECK(progress_line(kFull, {}, 80) ==
        "epoch 3/6 ===--- 47%  1:12 left  231 img/s  loss 0.873  clean 76.1  robust 64.3");
  CHECK(progress_line({.task = "PGD-20", .fraction = 1}, {}, 40) == "PGD-20 " + std::string(24, '=') + " 100%");
}

TEST_CASE("progress_line never fills the last column", "[app]") {
  for (int columns = 8; columns < 140; ++columns)
    for (const Terminal& t : {Terminal{}, Terminal{.live = true, .unicode = true}}) {
      const std::string line = progress_line(kFull, t, columns);
      CAPTURE(columns, line);
      CHECK(static_cast<int>(shown_width(line)) < columns);
      CHECK(line.find("47%") != std::string::npos);
    }
}

TEST_CASE("Colour is only written where the terminal has it", "[app]") {
  CHECK(progress_line(kFull, {.live = true, .color = true}, 100).find("\x1b[") != std::string::npos);
  CHECK(progress_line(kFull, {.live = true}, 100).find('\x1b') == std::string::npos);
}

TEST_CASE("clock_text", "[app]") {
  CHECK(clock_text(0.2) == "0:01");
  CHECK(clock_text(71.2) == "1:12");
  CHECK(clock_text(3600 + 62) == "1:01:02");
}

TEST_CASE("A piped run is plain lines, one an epoch", "[app]") {
  std::ostringstream out, err;
  {
    ConsoleObserver o(out, err, {}, Verbosity::normal);
    play(o);
  }
  CHECK(out.str() ==
        "pgd_at: small_cnn with 123,456 parameters, some (9,000 images, 1,000 more for validation), on cpu\n"
        "  epoch     loss   clean  robust       lr  images/s     time\n"
        "    1/2   1.2500   71.25   58.50      0.1       231     0:04  best\n"
        "    2/2   1.0000       -       -     0.01       230     0:04\n"
        "  a step took 3 MB at most\n"
        "ended after epoch 2: early_stop\n");
  CHECK(err.str() == "warning: robust accuracy fell\n");
}

TEST_CASE("On a terminal the progress line is written over and gone at the end", "[app]") {
  std::ostringstream out, err;
  {
    ConsoleObserver o(out, err, {.live = true, .fixed_columns = 100}, Verbosity::normal);
    play(o);
  }
  CHECK_THAT(out.str(), ContainsSubstring("\repoch 1/2 "));
  CHECK_THAT(out.str(), ContainsSubstring("\rvalidation "));
  CHECK_THAT(out.str(), ContainsSubstring("\r\x1b[K    1/2   1.2500"));
  CHECK(out.str().rfind('\r') < out.str().rfind("ended after"));
}

TEST_CASE("A rate is shown once there is something to measure it by", "[app]") {
  std::ostringstream out, err;
  ConsoleObserver o(out, err, {.live = true}, Verbosity::normal);
  o.on_evaluate("validation", 500, 500);
  CHECK_THAT(out.str(), ContainsSubstring("validation") && ContainsSubstring("100%"));
  CHECK_THAT(out.str(), !ContainsSubstring("img/s") && !ContainsSubstring("left"));
}

TEST_CASE("A quiet run prints nothing", "[app]") {
  std::ostringstream out, err;
  {
    ConsoleObserver o(out, err, {.live = true}, Verbosity::quiet);
    play(o);
  }
  CHECK(out.str() == "");
  CHECK(err.str() == "");
}

}  // namespace temper
