#include <algorithm>

#include "data/pictures/raster.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/temporary_folder.h"
#include "tests/fixtures/xml_check.h"
#include "workflows/report/html.h"
#include "workflows/report/page.h"
#include "workflows/report/png.h"
#include "workflows/report/svg.h"

namespace temper {

TEST_CASE("nice_ticks are round and cover the range", "[report]") {
  CHECK(nice_ticks(0, 100) == std::vector<double>{0, 20, 40, 60, 80, 100});
  CHECK(nice_ticks(0, 1, 4) == std::vector<double>{0, 0.5, 1});
  CHECK(nice_ticks(3, 3).size() >= 2);
  CHECK(nice_ticks(0, 0).size() >= 2);
  for (const auto& [low, high] : {std::pair{0.013, 0.0871}, {-5.2, 17.9}, {1e6, 1.7e6}, {2.31, 2.3100001}}) {
    const auto ticks = nice_ticks(low, high);
    CHECK(ticks.size() >= 2);
    CHECK(ticks.size() <= 9);
    CHECK(ticks.front() <= low + 1e-9 * std::abs(low));
    CHECK(ticks.back() >= high - 1e-9 * std::abs(high));
  }
  CHECK_THROWS_WITH(nice_ticks(0, NAN), ContainsSubstring("expected a finite range"));
  CHECK_THROWS_WITH(nice_ticks(-1e308, 1e308), ContainsSubstring("wider than any number"));
  for (const auto& [low, high] : {std::pair{1e299, 1e299}, {-1e300, 1e300}, {0.0, 5e-324}, {1e17, 1e17 + 16}})
    CHECK(nice_ticks(low, high).size() <= 9);
}

TEST_CASE("line_chart maps values to places and breaks lines at gaps", "[report]") {
  const Chart chart{.title = "a < b",
                    .x_label = "epoch",
                    .series = {{"clean", 0, {{1, 0}, {2, NAN}, {3, 100}}}, {"robust", 1, {{1, 99}, {3, 99.5}}}},
                    .y_range = std::pair{0.0, 100.0},
                    .unit = "%"};
  const std::string svg = line_chart(chart);
  CHECK(test::xml_fault(svg) == "");
  CHECK_THAT(svg, ContainsSubstring("<title>a &lt; b</title>"));
  CHECK_THAT(svg, ContainsSubstring("d=\"M68.0 256.0 M458.0 14.0 \""));  // the corners of the plot; a gap is a new M
  CHECK_THAT(svg, ContainsSubstring(">clean 100.0%<"));
  CHECK_THAT(svg, ContainsSubstring(">robust 99.5%<"));
  std::vector<double> ends;  // the two labels would cover each other if both stood at their line's end
  for (size_t at = svg.find("class=\"end"); at != std::string::npos; at = svg.find("class=\"end", at + 1))
    ends.push_back(std::stod(svg.substr(svg.find(" y=\"", at) + 4)));
  REQUIRE(ends.size() == 2);
  CHECK(std::abs(ends[0] - ends[1]) >= 14.9);
  CHECK(line_chart({.title = "empty", .series = {{"loss", 0, {{1, NAN}}}}}) == "");
  for (const double x : {1e17, -1e308, 1e299}) {  // places that a step of 1 does not move from
    const std::string far = line_chart({.title = "far", .series = {{"loss", 0, {{x, 1}, {std::nextafter(x, 0), 2}}}}});
    CHECK(far.size() < 10000);
    CHECK(far.find("nan") == std::string::npos);
  }
}

TEST_CASE("base64 pads as the standard says", "[report]") {
  const auto encode = [](const std::string& s) {
    return base64({reinterpret_cast<const uint8_t*>(s.data()), s.size()});
  };
  CHECK(encode("") == "");
  CHECK(encode("f") == "Zg==");
  CHECK(encode("fo") == "Zm8=");
  CHECK(encode("foo") == "Zm9v");
  CHECK(encode("foobar") == "Zm9vYmFy");
}

TEST_CASE("encode_png writes what decodes to the pixels", "[report]") {
  const Picture colour{2, 3, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18}},
      grey{1, 2, 1, {0, 255}};
  const std::string png = encode_png(colour);
  CHECK(png.substr(0, 8) == "\x89PNG\r\n\x1a\n");
  CHECK(png.substr(16, 13) == std::string("\0\0\0\3\0\0\0\2\10\2\0\0\0", 13));
  CHECK(decode_png(png).bytes == colour.pixels);
  CHECK(encode_png(grey).substr(24, 2) == std::string("\10\0", 2));  // one channel of 8 bits
  CHECK(decode_png(encode_png(grey)).bytes == std::vector<uint8_t>{0, 0, 0, 255, 255, 255});
  CHECK_THROWS_WITH(encode_png({2, 2, 2, {}}), ContainsSubstring("1 or 3 channels, got 2"));
  CHECK_THROWS_WITH(encode_png({2, 2, 1, {1}}), ContainsSubstring("expected 2 x 2 x 1 bytes, got 1"));
}

TEST_CASE("difference_picture is grey where nothing changed and amplified elsewhere", "[report]") {
  const std::vector<float> a = {0.5f, 0.2f, 0.9f}, b = {0.5f, 0.3f, 0.4f};
  CHECK(difference_picture(a, b, 2, 1, 3, 1).pixels == std::vector<uint8_t>{128, 179, 0});
  CHECK(picture_of(b, 1, 1, 3).pixels == std::vector<uint8_t>{128, 77, 102});
  CHECK_THROWS_WITH(picture_of(b, 2, 2, 1), ContainsSubstring("expected 2 x 2 x 1 values, got 3"));
}

TEST_CASE("The page of a run holds every piece and is well-formed", "[report]") {
  test::TemporaryFolder folder;
  test::write_fake_run(folder.path() / "a", "pgd_at", 79.2, 68.35, 66.9);
  const RunReport run = read_run(folder.path() / "a");
  CHECK(run.name == "a");
  REQUIRE(run.curve.size() == 3);
  CHECK(std::isnan(run.curve[1].clean));
  CHECK(run.curve[2].robust == 66);
  CHECK(run.rows[1].half_width() == Approx(196 * std::sqrt(0.6835 * 0.3165 / 2000)));
  const std::string page = run_page(run);
  CHECK(test::xml_fault(page) == "");
  for (const char* piece : {"pgd_at on fashion_mnist_subset", "Natural", "PGD-20", "C&amp;W", "NRR", "68.35",
                            "pgd(norm=linf, radius=0.100000)", "1,367 of 2,000", "1 min 43 s", "<svg",
                            "data:image/png;base64,", "ankle boot", "sandal", "× 5", "seed: 1", "libraries.onednn",
                            "--out &#39;a&lt;b&gt;&amp;c&#39;", "prefers-color-scheme: dark", "name=\"viewport\""})
    CHECK_THAT(page, ContainsSubstring(piece));
  for (const char* outside : {"http://", "https://", "<script", "<link", "url("})
    CHECK_THAT(page, !ContainsSubstring(outside));
}

TEST_CASE("The page of a run names it, its best epoch, and draws its charts at one scale", "[report]") {
  test::TemporaryFolder folder;
  test::write_fake_run(folder.path() / "a", "pgd_at", 79.2, 68.35, 66.9);
  CHECK_THAT(run_page(read_run(folder.path() / "a")), ContainsSubstring("<title>a: pgd_at on ") &&
                                                          ContainsSubstring("Run a \u00b7 ") &&
                                                          !ContainsSubstring("was best"));
  test::write_file(folder.path() / "a/metrics.csv",
                   "epoch,train_loss,clean,robust,ema_clean,ema_robust\n1,1.5,60,64.5,50,40\n2,0.9,80,35,70,60\n");
  const std::string page = run_page(read_run(folder.path() / "a"));
  CHECK_THAT(page,
             ContainsSubstring("robust validation accuracy was best in epoch 1: 64.50 %, after the last one 35.00 %"));
  const auto box = [&](size_t from) {
    const size_t at = page.find("viewBox=\"", from);
    return page.substr(at, page.find('"', at + 9) - at);
  };
  CHECK(box(0) == box(page.find("viewBox") + 1));
  CHECK_THAT(page, !ContainsSubstring("<caption>"));  // it would be as wide as the table, and cut on a phone
}

TEST_CASE("The page of a run draws the curves of both averages, each in a stroke of its own", "[report]") {
  test::TemporaryFolder folder;
  test::write_fake_run(folder.path() / "a", "pgd_at", 79.2, 68.35, 66.9);
  test::write_file(folder.path() / "a/metrics.csv",
                   "epoch,train_loss,clean,robust,ema_clean,ema_robust,swa_clean,swa_robust\n"
                   "1,1.5,60,64.5,50,40,,\n2,0.9,80,35,70,60,72,61.5\n3,0.8,80,35,70,60,73,62.5\n");
  const std::string page = run_page(read_run(folder.path() / "a"));
  CHECK(test::xml_fault(page) == "");
  for (const char* piece : {"EMA robust", "line c1 dashed", "SWA clean", "line c0 dotted", "SWA robust", "62.5"})
    CHECK_THAT(page, ContainsSubstring(piece));
  test::write_file(folder.path() / "a/metrics.csv", "epoch,train_loss,clean,robust\n1,1.5,60,64.5\n");
  CHECK_THAT(run_page(read_run(folder.path() / "a")), !ContainsSubstring("SWA clean") && !ContainsSubstring("EMA"));
}

TEST_CASE("A comparison shows every run, and only the settings that differ", "[report]") {
  test::TemporaryFolder folder;
  test::write_fake_run(folder.path() / "a", "pgd_at", 79.2, 68.35, 66.9);
  test::write_fake_run(folder.path() / "b", "standard", 87.7, 0, 0);
  const std::vector<RunReport> runs = {read_run(folder.path() / "a"), read_run(folder.path() / "b")};
  const std::string page = comparison_page("Comparison", runs, {"a/report.html", "b/report.html"});
  CHECK(test::xml_fault(page) == "");
  for (const char* piece : {"<a href=\"a/report.html\">pgd_at</a>", "<a href=\"b/report.html\">standard</a>", "87.70",
                            "trainer.name", "<code>standard</code>"})
    CHECK_THAT(page, ContainsSubstring(piece));
  CHECK_THAT(page, !ContainsSubstring("trainer.attack.radius"));
}

TEST_CASE("Folders that hold no finished run are named", "[report]") {
  test::TemporaryFolder folder;
  CHECK_THROWS_WITH(read_run(folder.path() / "none"), ContainsSubstring("no such run folder"));
  const std::string at = folder.path().string();
  CHECK_THROWS_WITH(read_run(at), ContainsSubstring(at + ": holds no run, because there is no config.yaml in it"));
  test::write_file(folder.path() / "config.yaml", "seed: 1\n");
  CHECK_THROWS_WITH(read_run(at), ContainsSubstring("evaluation.json: not found") &&
                                      ContainsSubstring(cat("finish it with `temper train ", at, "/config.yaml --out ",
                                                            at, " --resume`")));
  test::write_file(folder.path() / "evaluation.json", "{\"rows\":");
  CHECK_THROWS_WITH(read_run(folder.path()), ContainsSubstring("evaluation.json: expected JSON"));
  test::write_file(folder.path() / "evaluation.json", "{\"rows\":[{}]}");
  CHECK_THROWS_WITH(read_run(folder.path()), ContainsSubstring("not one that temper wrote"));
}

}  // namespace temper
