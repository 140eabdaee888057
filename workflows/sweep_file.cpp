#include "workflows/sweep_file.h"

#include <cctype>
#include <set>

namespace temper {

namespace {

namespace fs = std::filesystem;

std::string folder_name(const std::string& label) {
  std::string out;
  for (const char c : label)
    out += std::isalnum(static_cast<unsigned char>(c)) || c == '.'
               ? static_cast<char>(std::tolower(static_cast<unsigned char>(c)))
               : '_';
  for (size_t i = 0; i < out.size() && out[i] == '.'; ++i) out[i] = '_';  // `..` is another folder, `.x` a hidden one
  return out;
}

Experiment experiment_of(const SweepFile& sweep, const SweepRow& row, int seed, const fs::path& beside) {
  Config config = load_config((beside / row.config).lexically_normal().string());
  Config change = sweep.set;
  join_changes(change, row.set);
  overlay(config, change);
  apply_overrides(config, {cat("seed=", seed)});
  return read_experiment(config);
}

}  // namespace

void SweepRow::fields(Fields& f) {
  place = f.here();
  f("label", label, "how the table calls it; empty: the name of its file");
  f("config", config, "YAML file of an experiment, relative to this file");
  set = f.part("set", "keys laid over that file");
  Fields results = f.enter("published");
  for (const std::string& key : results.keys())
    results(key.c_str(), published[key], Limits::between(0, 100), "published result in percent");
  f.leave("published", results);
  if (label.empty()) label = fs::path(config).stem().string();
  if (set.root.find("seed")) f.reject("set", "the seed is what `seeds` lists");
}

void SweepFile::fields(Fields& f) {
  f("title", title, "heading of the table");
  f("seeds", seeds, Limits::at_least(0), "every row is run once with each");
  set = f.part("set", "keys laid over every row's file, before the row's own");
  f.list("runs", rows, "rows of the table: label, config, set");
  if (rows.empty()) f.reject("runs", "expected at least one row, such as - {label: PGD-AT, config: pgd_at.yaml}");
  if (seeds.empty()) f.reject("seeds", "expected at least one");
  if (std::set<int>(seeds.begin(), seeds.end()).size() < seeds.size()) f.reject("seeds", "expected different ones");
  if (set.root.find("seed")) f.reject("set", "the seed is what `seeds` lists");
  std::set<std::string> folders;
  for (const SweepRow& row : rows) {
    TEMPER_CHECK(!row.config.empty(), row.place, "expected `config`, the YAML file of an experiment");
    TEMPER_CHECK(folders.insert(folder_name(row.label)).second, row.place, "a row called '", row.label,
                 "' is in the list already, or one with the same folder; give it another label");
  }
}

Sweep read_sweep(const std::string& file, const std::vector<std::string>& overrides, const fs::path& out) {
  const Config config = load_config(file, overrides);
  SweepFile sweep;
  Fields f(config);
  sweep.fields(f);
  f.finish();
  Sweep s{.title = sweep.title.empty() ? fs::path(file).stem().string() : sweep.title,
          .labels = {},
          .published = {},
          .runs = {},
          .out = out};
  for (const SweepRow& row : sweep.rows) {
    s.labels.push_back(row.label);
    s.published[row.label] = row.published;
  }
  for (const int seed : sweep.seeds)
    for (const SweepRow& row : sweep.rows)
      s.runs.push_back({row.label, seed, experiment_of(sweep, row, seed, fs::path(file).parent_path()),
                        RunFolder{out / folder_name(row.label) / cat("seed_", seed)}});
  return s;
}

}  // namespace temper
