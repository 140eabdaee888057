// Configurations, and what is kept of convolution plans.
#include <filesystem>

#include "core/config/config.h"
#include "core/plans/plan_cache.h"
#include "core/plans/plan_record.h"
#include "tests/fuzz/target.h"

using namespace temper;
using namespace temper::fuzz;

namespace {

struct Item {
  std::string label;
  int64_t count = 0;
  void fields(Fields& f) {
    f("label", label, "text");
    f("count", count, Limits::any(), "a number");
  }
};

/// A section of every kind of field.
struct Sections {
  uint64_t seed = 0;
  double radius = 0;
  bool flag = false;
  std::vector<std::string> names;
  std::vector<double> numbers;
  int kind = 0;
  Item item;
  std::vector<Item> items;
  void fields(Fields& f) {
    f("seed", seed, Limits::any(), "a number");
    f("radius", radius, Limits::any(), "a number");
    f("flag", flag, "yes or no");
    f("names", names, "texts");
    f("numbers", numbers, Limits::any(), "numbers");
    f.choice("kind", kind, {{"a", 0}, {"b", 1}}, "one of two");
    f.section("item", item);
    f.list("items", items, "sections");
    f.part("part", "another configuration");
  }
};

std::string resolved(const Config& config) {
  Sections sections;
  Fields f(config);
  sections.fields(f);
  f.finish();
  return f.resolved().yaml();
}

}  // namespace

TEMPER_FUZZ_TARGET(yaml) {
  const std::string once = resolved(parse_config(as_text(bytes), "a.yaml"));  // may have the text's aliases
  const std::string twice = resolved(parse_config(once, "again"));
  promise(resolved(parse_config(twice, "once more")) == twice);
}

TEMPER_FUZZ_TARGET(yaml_file) { resolved(load_config(as_file("a.yaml", bytes))); }

TEMPER_FUZZ_TARGET(override) {
  Config config = parse_config("seed: 1\nitem: {label: x}\nitems: [{label: a}]\n");
  apply_overrides(config, {as_text(bytes)});
  resolved(config);
}

TEMPER_FUZZ_TARGET(number) { parse_number(as_text(bytes)); }

TEMPER_FUZZ_TARGET(plan_cache) {
  PlanCache cache(folder());
  as_file(std::filesystem::path(cache.path("key")).filename().string(), bytes);
  cache.load("key");
}

TEMPER_FUZZ_TARGET(plan_record) {
  const PlanRecord record = PlanRecord::from(as_text(bytes));
  promise(PlanRecord::from(record.text()) == record);
}
