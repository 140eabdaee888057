#include "workflows/report/result_table.h"

#include "core/files/json.h"

#include "tests/fixtures/catch.h"
#include "tests/fixtures/run_fixture.h"
#include "tests/fixtures/temporary_folder.h"
#include "workflows/report/measurement.h"

namespace temper {

namespace {

// A run on 1,000 images with a record of everything; `edit` makes it another.
RunReport run_of(const std::string& name, double clean, double pgd, const std::function<void(RunReport&)>& edit = {}) {
  RunReport r;
  r.name = r.method = name;
  r.data = "photos";
  r.images_test = 1000;
  r.precision = "f32";
  r.normalisation = Evaluation::Normalisation{};
  r.test = {.count = 1000, .images = "aaaa", .labels = "bbbb"};
  r.inputs.train = {.count = 50, .images = "cccc", .labels = "dddd"};
  r.rows = {{.label = "clean", .total = 1000, .percent = clean},
            {.label = "pgd20",
             .description = "pgd(0.1)",
             .total = 1000,
             .percent = pgd,
             .attack = {{"name", "pgd"}, {"radius", "0.1"}, {"steps", "20"}}}};
  if (edit) edit(r);
  return r;
}

std::vector<std::string> headings(const ResultTable& t) {
  std::vector<std::string> out;
  for (const auto& c : t.columns) out.push_back(c.heading);
  return out;
}

ResultTable table(const std::vector<RunReport>& runs) { return result_table(named_by_folder(runs)); }

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("result table: what was measured alike shares columns, without a note", "[table]") {
  const std::vector<RunReport> runs = {run_of("a", 80, 40), run_of("b", 70, 50)};
  const ResultTable t = table(runs);
  CHECK(headings(t) == Names{"Natural", "PGD-20", "NRR"});
  CHECK(t.columns[1].values == std::vector<double>{40, 50});
  CHECK(t.columns[2].values[0] == Approx(2 * 80.0 * 40 / 120));
  CHECK(t.nrr_attack == "pgd20");
  CHECK(t.images == "1,000 test images");
  CHECK(t.notes.empty());
}

TEST_CASE("result table: one label for attacks of other parameters makes a column for each", "[table]") {
  const std::vector<RunReport> runs = {run_of("a", 80, 40), run_of("b", 70, 50, [](RunReport& r) {
                                         r.rows[1].attack = {{"name", "pgd"}, {"radius", "0.2"}, {"steps", "20"}};
                                       })};
  const ResultTable t = table(runs);
  REQUIRE(headings(t) == Names{"Natural", "PGD-20 (radius 0.1)", "PGD-20 (radius 0.2)"});
  CHECK(t.columns[1].key == "pgd20 (radius 0.1)");
  CHECK(t.columns[1].values[0] == 40);
  CHECK(std::isnan(t.columns[1].values[1]));
  CHECK(t.columns[2].values[1] == 50);
  REQUIRE(t.notes.size() == 2);
  CHECK_THAT(t.notes[0], ContainsSubstring("Measured in different ways") && ContainsSubstring("PGD-20"));
  CHECK_THAT(t.notes[1], ContainsSubstring("No NRR"));
  // Six digits are shown where they are enough.
  const auto radii = [](const std::string& first, const std::string& second) {
    const std::vector<RunReport> two = {run_of("a", 1, 1, [&](RunReport& r) { r.rows[1].attack[1].second = first; }),
                                        run_of("b", 1, 1, [&](RunReport& r) { r.rows[1].attack[1].second = second; })};
    return headings(table(two)).at(1);
  };
  CHECK(radii("0.031372549019607843", "0.2") == "PGD-20 (radius 0.0313725)");
  CHECK(radii("0.031372549019607843", "0.031372548") == "PGD-20 (radius 0.031372549019607843)");
}

TEST_CASE("result table: a preset and its parameters written out are one attack", "[table]") {
  const std::vector<RunReport> runs = {
      run_of("a", 80, 40), run_of("b", 70, 50, [](RunReport& r) { r.rows[1].attack[0].second = "pgd20-preset"; }),
      run_of("c", 70, 50, [](RunReport& r) {
        r.rows[1].attack[0].second = "fgsm";
        r.rows[1].description = "another kind with the same keys";
      })};
  CHECK(headings(table(runs)) == Names{"Natural", "PGD-20 (name pgd)", "PGD-20 (name fgsm)"});
}

TEST_CASE("result table: other images, labels, counts or precision make columns of their own", "[table]") {
  const auto with = [](const std::function<void(RunReport&)>& edit) {
    const std::vector<RunReport> runs = {run_of("a", 80, 40), run_of("b", 70, 50, edit)};
    return headings(table(runs));
  };
  CHECK(with([](RunReport& r) { r.test.images = "eeee"; }) ==
        Names{"Natural (images of fingerprint aaaa)", "Natural (images of fingerprint eeee)",
              "PGD-20 (images of fingerprint aaaa)", "PGD-20 (images of fingerprint eeee)"});
  CHECK(with([](RunReport& r) { r.test.labels = "eeee"; }).at(1) == "Natural (labels of fingerprint eeee)");
  CHECK(with([](RunReport& r) { r.data = "drawings", r.test.images = "eeee"; }).at(1) == "Natural (on drawings)");
  CHECK(with([](RunReport& r) { r.images_test = r.test.count = 500; }).at(1) == "Natural (500 images)");
  CHECK(with([](RunReport& r) { r.precision = "bf16"; }).at(1) == "Natural (in bf16)");
  // The same images by another reader are the same images.
  CHECK(with([](RunReport& r) { r.data = "npz"; }) == Names{"Natural", "PGD-20", "NRR"});

  const std::vector<RunReport> runs = {run_of("a", 80, 40), run_of("b", 70, 50, [](RunReport& r) {
                                         r.images_test = r.test.count = 500;
                                         r.part = {.of = 1000, .seed = 3};
                                       })};
  const ResultTable t = table(runs);
  CHECK(t.images == "");
  CHECK_THAT(t.notes.at(1), ContainsSubstring("The runs differ in the number of test images: 1,000 test images (a)") &&
                                ContainsSubstring("500 of 1,000 test images (drawn over the classes, seed 3)"));
}

TEST_CASE("result table: normalisation, training images and splits that differ are said", "[table]") {
  const auto notes = [](const std::function<void(RunReport&)>& edit) {
    const std::vector<RunReport> runs = {run_of("a", 80, 40), run_of("b", 70, 50, edit), run_of("c", 70, 50)};
    const ResultTable t = table(runs);
    CHECK(headings(t) == Names{"Natural", "PGD-20", "NRR"});
    return t.notes;
  };
  CHECK(notes([](RunReport& r) { r.normalisation = {.mean = {0.5}, .std = {0.2}}; }) ==
        Names{"The runs differ in normalisation: none (a, c); mean [0.5], std [0.2] (b)."});
  CHECK_THAT(notes([](RunReport& r) { r.inputs.train.images = "eeee"; }).at(0),
             ContainsSubstring("differ in training images: 50 images, cccc / dddd (a, c); 50 images, eeee / dddd (b)"));
  CHECK_THAT(notes([](RunReport& r) { r.inputs.validation.count = 10; }).at(0),
             ContainsSubstring("held out for validation: 0 (a, c); 10 (b)"));
  CHECK_THAT(notes([](RunReport& r) { r.test = {}; }).at(0), ContainsSubstring("The images of b are unknown"));
}

TEST_CASE("result table: NRR is with one attack for all runs", "[table]") {
  const auto add = [](RunReport& r, const std::string& label, double percent) {
    r.rows.push_back(
        {.label = label, .description = label, .total = 1000, .percent = percent, .attack = {{"name", label}}});
  };
  // In one run both attacks tie, in the other the second is stronger, in the third nothing was attacked.
  std::vector<RunReport> runs = {run_of("a", 50, 50), run_of("b", 80, 60), run_of("c", 90, 0)};
  add(runs[0], "strong", 50);
  add(runs[1], "strong", 20);
  runs[2].rows.resize(1);
  ResultTable t = table(runs);
  CHECK(headings(t) == Names{"Natural", "PGD-20", "strong", "NRR"});
  CHECK(t.nrr_attack == "strong");
  CHECK(t.columns[3].values[1] == Approx(32));
  CHECK(std::isnan(t.columns[3].values[2]));
  // cw goes first, also where it is weaker.
  add(runs[0], "cw", 50);
  add(runs[1], "cw", 70);
  t = table(runs);
  CHECK(t.nrr_attack == "cw");
  CHECK(t.columns.back().values[1] == Approx(2 * 80.0 * 70 / 150));
  // And has a ratio for each way it was measured.
  runs[0].rows.back().attack.emplace_back("radius", "0.1");
  CHECK(headings(table(runs)) == Names{"Natural", "PGD-20", "strong", "C&W (radius 0.1)", "C&W (radius none)",
                                       "NRR (radius 0.1)", "NRR (radius none)"});
}

TEST_CASE("result table: keys that came after a file stand for their defaults", "[table]") {
  const test::TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& attack) {
    test::write_file(
        folder.path() / name / "evaluation.json",
        "{\"data\": \"x\", \"images_test\": 10, \"rows\": [{\"label\": \"pgd\", \"correct\": 5, \"total\": 10, "
        "\"percent\": 50, \"description\": \"" +
            name + "\", \"attack\": " + attack + "}]}");
    return read_run(folder.path() / name);
  };
  const RunReport older = write("older", "{\"name\": \"pgd\", \"radius\": 0.1}"),
                  newer = write("newer", "{\"radius\": 0.1, \"momentum\": 0, \"name\": \"pgd\"}"),
                  other = write("other", "{\"name\": \"pgd\", \"radius\": 0.1, \"momentum\": 1}"),
                  unknown = write("unknown", "{\"name\": \"of_another_build\"}");
  CHECK(older.rows[0].attack == newer.rows[0].attack);
  const std::vector<RunReport> runs = {older, newer, other, unknown};
  CHECK(table(runs).columns.size() == 3);
}

TEST_CASE("result table: runs are told apart by folder, and by path where that is not enough", "[table]") {
  std::vector<RunReport> runs = {run_of("seed_0", 1, 1), run_of("seed_0", 1, 1), run_of("seed_1", 1, 1)};
  runs[0].folder = "x/seed_0", runs[1].folder = "y/seed_0", runs[2].method = "trades";
  const auto names = [](const std::vector<NamedRun>& named) {
    Names out;
    for (const NamedRun& r : named) out.push_back(r.name);
    return out;
  };
  CHECK(names(named_by_folder(runs)) == Names{"x/seed_0", "y/seed_0", "seed_1"});
  CHECK(names(named_by_method(runs)) == Names{"x/seed_0", "y/seed_0", "trades"});
}

}  // namespace temper
