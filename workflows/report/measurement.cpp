#include "workflows/report/measurement.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "core/text.h"
#include "workflows/report/parts.h"

namespace temper {

namespace {

constexpr const char* kName = "name";

FlatYaml without_name(FlatYaml attack) {
  std::erase_if(attack, [](const auto& kv) { return kv.first == kName; });
  return attack;
}

// A preset and the same parameters written out are one attack.
bool same_attack(const EvaluationRow& a, const EvaluationRow& b) {
  if (a.attack.empty() || b.attack.empty()) return a.description == b.description;
  return a.attack == b.attack || (a.description == b.description && without_name(a.attack) == without_name(b.attack));
}

/// Facts by name; the members of a group are told from each other by those whose values differ.
using Facts = FlatYaml;

enum class Detail : uint8_t { names, fingerprints };

Facts facts_of(const Measurement& m, Detail detail) {
  Facts facts = m.row->attack;
  if (facts.empty() && m.row->label != "clean") facts = {{"", m.row->description}};
  const RunReport& r = *m.run;
  facts.emplace_back("on", r.data);
  facts.emplace_back("images", grouped(r.images_test));
  facts.emplace_back("in", r.precision.empty() ? "an unknown precision" : r.precision);
  if (detail == Detail::names) return facts;
  facts.emplace_back("images of fingerprint", r.test.known() ? r.test.images : "unknown");
  facts.emplace_back("labels of fingerprint", r.test.known() ? r.test.labels : "unknown");
  return facts;
}

std::string value_of(const Facts& facts, const std::string& key) {
  for (const auto& [k, v] : facts)
    if (k == key) return v;
  return "";
}

// Six digits if the values differ in them.
std::vector<std::string> rounded(const std::vector<std::string>& values) {
  std::vector<std::string> out;
  for (const std::string& v : values) {
    double number = 0;
    const auto [end, error] = std::from_chars(v.data(), v.data() + v.size(), number);
    out.push_back(error == std::errc() && end == v.data() + v.size() ? fmt::format("{:.6g}", number) : v);
  }
  const auto distinct = [](const std::vector<std::string>& v) { return std::set(v.begin(), v.end()).size(); };
  return distinct(out) == distinct(values) ? out : values;
}

std::string fact_text(const std::string& key, const std::string& value) {
  if (key.empty()) return value;
  return key == "images" ? value + " images" : key + " " + (value.empty() ? "none" : value);
}

std::vector<std::string> texts(const std::vector<Measurement>& group, Detail detail) {
  std::vector<Facts> facts;
  std::vector<std::string> keys;
  for (const Measurement& m : group) {
    facts.push_back(facts_of(m, detail));
    for (const auto& [key, value] : facts.back())
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
  std::vector<std::vector<std::string>> parts(group.size());
  for (const std::string& key : keys) {
    std::vector<std::string> values;
    for (const Facts& f : facts) values.push_back(value_of(f, key));
    if (std::all_of(values.begin(), values.end(), [&](const std::string& v) { return v == values.front(); })) continue;
    values = rounded(values);
    for (size_t i = 0; i < group.size(); ++i) parts[i].push_back(fact_text(key, values[i]));
  }
  std::vector<std::string> out;
  for (const auto& p : parts) out.push_back(join(p));
  return out;
}

}  // namespace

bool same_test_images(const RunReport& a, const RunReport& b) {
  if (!a.test.known() || !b.test.known()) return a.data == b.data && a.images_test == b.images_test;
  return a.test.count == b.test.count && a.test.images == b.test.images && a.test.labels == b.test.labels;
}

bool same_examples(const RunReport& a, const RunReport& b) {
  const EvaluationRow *first = a.find(a.examples.attack), *second = b.find(b.examples.attack);
  return same_test_images(a, b) && first && second && same_attack(*first, *second);
}

bool Measurement::alike(const Measurement& other) const {
  const bool precision =
      run->precision.empty() || other.run->precision.empty() || run->precision == other.run->precision;
  return row->label == other.row->label && precision && same_test_images(*run, *other.run) &&
         (row->label == "clean" || same_attack(*row, *other.row));
}

int Measurement::recorded() const {
  return int{run->test.known()} + int{!run->precision.empty()} + int{!row->attack.empty()};
}

std::vector<std::string> distinguishing_facts(const std::vector<Measurement>& group) {
  const std::vector<std::string> short_texts = texts(group, Detail::names);
  const std::set<std::string> distinct(short_texts.begin(), short_texts.end());
  return distinct.size() == group.size() ? short_texts : texts(group, Detail::fingerprints);
}

}  // namespace temper
