// Configurations from files, laid over each other, and what --set changes.
#include <algorithm>
#include <charconv>
#include <filesystem>

#include "core/config/config.h"
#include "core/config/config_yaml.h"
#include "core/text.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

constexpr size_t kMostBases = 32;

ConfigNode tree(const std::string& text, const std::string& name, Config& config) {
  ConfigNode n = yaml_tree(text, name, [&](const std::string& path, const std::string& place) {
    config.where.emplace(path, place);  // where a merge key brings a key that is given, the given one's place stays
  });
  if (n.is_nothing()) return ConfigNode::section();
  TEMPER_CHECK(n.is_section(), name, ": expected `key: value` lines at the top level");
  return n;
}

/// The effect of keys that are laid over a section without a `name`.
enum class Unnamed : uint8_t { of_default, of_any };

void overlay_keys(ConfigNode& onto, const ConfigNode& from) {
  for (const auto& [key, value] : from.entries()) {
    ConfigNode& there = onto[key];
    if (value.is_section() && there.is_section())
      overlay_keys(there, value);
    else
      there = value;
  }
}

// Removes the keys of `section`, at `path`, that belong to another choice than `name`.
void pass_over(Config& config, const std::string& path, ConfigNode& section, const std::string& name, Unnamed unnamed) {
  const ConfigNode* now = section.find("name");
  if (now ? now->is_text() && now->text() == name : unnamed == Unnamed::of_any) return;
  PassedOver& passed = config.passed[path];
  passed.name = now ? now->text() : "";
  if (!passed.keys.is_section()) passed.keys = ConfigNode::section();
  overlay_keys(passed.keys, section);
  passed.keys.erase("name");
  section = ConfigNode::section();
}

void overlay_section(Config& config, const std::string& path, ConfigNode& onto, const ConfigNode& from,
                     Unnamed unnamed) {
  for (const auto& [key, value] : from.entries()) {
    ConfigNode& there = onto[key];
    if (there.is_section() && value.is_nothing()) continue;  // a section whose lines are all commented out
    if (!there.is_section() || !value.is_section()) {
      there = value;
      continue;
    }
    if (const ConfigNode& name = value["name"]; name.is_text())
      pass_over(config, join_path(path, key), there, name.text(), unnamed);
    overlay_section(config, join_path(path, key), there, value, unnamed);
  }
}

void overlay(Config& onto, const Config& from, Unnamed unnamed) {
  if (onto.root.is_nothing()) onto.root = ConfigNode::section();
  overlay_section(onto, "", onto.root, from.root, unnamed);
  for (const auto& [path, place] : from.where) onto.where[path] = place;
  for (const auto& [path, passed] : from.passed) {
    PassedOver& into = onto.passed[path];
    if (!into.keys.is_section()) into = {passed.name, ConfigNode::section()};
    overlay_keys(into.keys, passed.keys);
  }
}

struct Override {
  std::string text, path;
  ConfigNode value;
  std::map<std::string, std::string> where{};

  explicit Override(const std::string& text) : text(text) {
    const size_t eq = text.find('=');
    TEMPER_CHECK(eq != std::string::npos && eq > 0, "--set ", text,
                 ": expected key=value, such as --set loop.epochs=2");
    path = text.substr(0, eq);
    const std::string given = text.substr(eq + 1);
    TEMPER_CHECK(given.find_first_not_of(" \t") != std::string::npos, "--set ", text,
                 ": expected a value after the =; an empty text is written ", path, "=\"''\" in a shell");
    value = yaml_tree(given, "--set " + path, [&](const std::string& below, const std::string&) {
      where[join_path(path, below)] = "--set " + path;
    });
  }
  bool chooses() const { return path.ends_with(".name") && value.is_text(); }
};

// The item of a list that a part of a path names.
size_t item_of(const ConfigNode& list, const std::string& key, const std::string& at, const Override& o) {
  size_t i = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), i);
  TEMPER_CHECK(error == std::errc() && end == key.data() + key.size() && i < list.items().size(), "--set ", o.text,
               ": '", at, "' is a list of ", list.items().size(), ", whose items are called 0 to ",
               list.items().size() - 1, ", got '", key, "'");
  return i;
}

void apply(Config& config, const Override& o) {
  ConfigNode* n = &config.root;
  std::string at;
  bool in_list = false;
  for (size_t from = 0; from <= o.path.size();) {
    const size_t dot = std::min(o.path.find('.', from), o.path.size());
    const std::string key = o.path.substr(from, dot - from);
    if (n->is_nothing()) *n = ConfigNode::section();  // one that is named and left empty, or was not there
    TEMPER_CHECK(!key.empty() && (n->is_section() || !n->items().empty()), "--set ", o.text, ": '", at,
                 "' has no keys below it");
    if (n->is_list()) {
      in_list = true;
      n = &n->item(item_of(*n, key, at, o));
    } else {
      n = &(*n)[key];
      if (o.path.compare(dot, std::string::npos, ".name") == 0 && !in_list && n->is_section() && o.value.is_text())
        pass_over(config, join_path(at, key), *n, o.value.text(), Unnamed::of_default);
    }
    at = join_path(at, key);
    config.where.emplace(at, "--set " + o.path);  // of what was not there
    from = dot + 1;
  }
  *n = o.value;
  config.where[o.path] = "--set " + o.path;
  for (const auto& [path, place] : o.where) config.where[path] = place;
}

// `chain` are the files that led here, `wanted_by` the line that named this one.
Config read_file(const std::string& file, const std::string& wanted_by, std::vector<std::string>& chain) {
  Config config;
  config.root = tree(config_text(file, wanted_by), file, config);
  const ConfigNode* base_key = config.root.find("base");
  if (!base_key) return config;
  const std::string given = base_key->text();
  const std::string place = cat(config.where["base"], ": base: ");
  TEMPER_CHECK(!given.empty(), place, "expected the name of a file, relative to this one");
  const std::string base = (fs::path(file).parent_path() / given).string();
  config.root.erase("base");
  config.where.erase("base");

  std::error_code failed;
  chain.push_back(fs::weakly_canonical(file, failed).string());
  const std::string next = fs::weakly_canonical(base, failed).string();
  TEMPER_CHECK(std::find(chain.begin(), chain.end(), next) == chain.end(), place, given,
               " leads back to a file that builds on it: ", join(chain, " -> "), " -> ", next,
               "; take one `base` away");
  TEMPER_CHECK(chain.size() < kMostBases, place, "more than ", kMostBases, " files build on each other");
  Config whole = read_file(base, place, chain);
  overlay(whole, config);
  return whole;
}

}  // namespace

void overlay(Config& onto, const Config& from) { overlay(onto, from, Unnamed::of_default); }
void join_changes(Config& onto, const Config& from) { overlay(onto, from, Unnamed::of_any); }

void put(Config& config, const std::string& section, const std::string& key, const std::string& value,
         const std::string& place) {
  const ConfigNode& there = std::as_const(config.root)[section];
  if (!there.is_section() && !there.is_nothing()) return;  // the error is reported where the key is read
  Config change;
  change.root[section][key] = value;
  change.where = {{section, place}, {join_path(section, key), place}};
  overlay(config, change);
}

void apply_overrides(Config& config, const std::vector<std::string>& overrides) {
  const std::vector<Override> all(overrides.begin(), overrides.end());
  for (const Override& o : all)
    if (o.chooses()) apply(config, o);
  for (const Override& o : all)
    if (!o.chooses()) apply(config, o);
}

Config load_config(const std::string& file, const std::vector<std::string>& overrides) {
  std::vector<std::string> chain;
  Config config = read_file(file, "", chain);
  apply_overrides(config, overrides);
  return config;
}

Config parse_config(const std::string& text, const std::string& name, const std::vector<std::string>& overrides) {
  Config config;
  config.root = tree(text, name, config);
  apply_overrides(config, overrides);
  return config;
}

}  // namespace temper
