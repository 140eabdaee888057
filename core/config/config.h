#pragma once
// One listing of a class's fields gives parsing, defaults, type errors with file and line, unknown-key errors with the
// nearest key, `temper describe`, and the resolved YAML written beside results.
#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/config/node.h"
#include "core/limits.h"
#include "kernels/runtime/check.h"

namespace TEMPER_API temper {

/// The keys of a base in a section that chooses something by `name`, if the file that overlays the base chooses
/// something else.
struct PassedOver {
  std::string name;  ///< the base's choice; empty: it named none, so these keys are for the default
  ConfigNode keys;
};

/// A configuration with the place every key came from, for messages.
struct Config {
  ConfigNode root{};
  std::map<std::string, std::string> where{};  ///< dotted path -> "configs/trades.yaml line 3" or "--set"
  std::map<std::string, PassedOver> passed{};  ///< by the section's dotted path
};

/// Reads a YAML file. A top-level `base: FILE` (relative to it) is read first and overlaid. `overrides` are
/// "dotted.key=value", as given by --set; a number in the path is an item of a list, from 0. Throws Error with file and
/// line on anything unreadable.
Config load_config(const std::string& file, const std::vector<std::string>& overrides = {});
Config parse_config(const std::string& text, const std::string& name = "config",
                    const std::vector<std::string>& overrides = {});

/// Applies overrides to a configuration that is built in steps. Overrides that set a `name` are applied first, whatever
/// their order.
void apply_overrides(Config& config, const std::vector<std::string>& overrides);

/// Overlays `onto` with `from`, sections key by key, as a file overlays its base. A section whose `name` changes starts
/// anew: the keys of `onto` for its other choice are ignored.
void overlay(Config& onto, const Config& from);
/// Joins two sets of keys that will overlay a configuration. Keys that `onto` gives without a name apply to the choice
/// of `from`.
void join_changes(Config& onto, const Config& from);
/// Sets `section`.`key` as an overlaying file would; key `name` changes the choice. `place` is for messages.
void put(Config& config, const std::string& section, const std::string& key, const std::string& value,
         const std::string& place);

/// One line of `temper describe`.
struct FieldDoc {
  std::string key, type, value, doc;
};

/// Numbers and lists of them: what is declared with Limits.
template <class T>
inline constexpr bool kNumeric = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;
template <class T>
inline constexpr bool kNumeric<std::vector<T>> = kNumeric<T>;

/// Visits the fields of one section. A class lists its fields in `void fields(Fields&)`:
///   f("beta", beta, Limits::at_least(0).usually(0, 100), "weight of the KL term");
///   f("tag", tag, "name of the run");
///   f.choice("start", start, {{"none", Start::none}, {"uniform", Start::uniform}}, "random start");
///   f.section("attack", pgd);
class Fields {
 public:
  explicit Fields(const Config& config);

  /// Text, true or false, or a list of them. `value` holds the default.
  template <class T>
  requires(!kNumeric<T>) void operator()(const char* key, T& value, const char* doc) {
    if (const ConfigNode* n = declare(key)) read(key, *n, value);
    keep(key, value, doc);
  }
  /// A number (`8/255` is a number) or a list of them, always with limits. A given value must be within the limits; a
  /// default need not be.
  template <class T>
  requires kNumeric<T>
  void operator()(const char* key, T& value, const Limits& limits, const char* doc) {
    if (const ConfigNode* n = declare(key)) {
      read(key, *n, value);
      hold(key, value, limits);
    }
    keep(key, value, doc);
    describe(limits);
  }

  /// One of a few named values.
  template <class E>
  void choice(const char* key, E& value, std::initializer_list<std::pair<const char*, E>> names, const char* doc) {
    std::vector<std::string> all;
    for (const auto& [text, v] : names) all.push_back(text);
    if (const ConfigNode* n = declare(key)) value = (names.begin() + index_of(key, *n, all))->second;
    for (const auto& [text, v] : names)
      if (v == value) keep_choice(key, text, all, doc);
  }

  /// A nested section, listed by value.fields(Fields&).
  template <class T>
  void section(const char* key, T& value) {
    Fields sub = enter(key);
    value.fields(sub);
    leave(key, sub);
  }
  /// For sections that need more than section(): the caller visits the nested fields itself, then calls leave().
  /// Without leave() it reads a visited section again, for checks that depend on later sections.
  Fields enter(const char* key);
  void leave(const char* key, Fields& sub);
  /// A list of sections, each listed by its item.fields(Fields&). One that is given replaces all of `values`.
  template <class T>
  void list(const char* key, std::vector<T>& values, const char* doc) {
    if (const int64_t n = length_of(key); n >= 0) {
      values.clear();
      values.resize(static_cast<size_t>(n));
    }
    for (size_t i = 0; i < values.size(); ++i) {
      Fields item = enter_item(key, i);
      values[i].fields(item);
      leave_item(key, item);
    }
    keep_list(key, values.size(), doc);
  }
  /// Item i of a list that was visited, to read it again.
  Fields item(const char* key, size_t i) const { return enter_item(key, i); }
  /// A section that belongs to another configuration, such as keys that override it. It is not checked here, but when
  /// that configuration is read; messages then give its place in this file.
  Config part(const char* key, const char* doc);
  /// The place of this section, for the beginning of messages: "net.yaml line 7: model.layers.2: ".
  std::string here() const;
  /// Whether the configuration gives the key at all.
  bool has(const char* key) const;
  /// The keys the configuration gives in this section, in order: for sections whose keys are labels chosen by the user.
  std::vector<std::string> keys() const;

  /// Throws Error, with place, nearest key and all known ones, if the configuration has a key that no field claimed.
  void finish() const;
  /// For a section that chooses by name, after `name` was read: `visit` lists the keys that do not depend on the
  /// choice. Only these carry over from a base that chooses something else; a warning names the others.
  template <class Visit>
  void chosen(const std::string& fallback, const std::string& name, Visit&& visit) {
    take_over(fallback, name);
    carrying_ = true;
    visit(*this);
    carrying_ = false;
    note_left_out(name);
  }
  /// Throws Error at the place of `key`, for checks that a class makes on its own values.
  template <class... Parts>
  [[noreturn]] void reject(const char* key, const Parts&... parts) const {
    fail(place(key), cat(parts...));
  }
  /// Adds a warning, with the place of `key`, about a value that is allowed but probably a mistake.
  template <class... Parts>
  void warn(const char* key, const Parts&... parts) const {
    warnings_->push_back(place(key) + cat(parts...));
  }
  /// All warnings, of this section, its parents and its sub-sections.
  const std::vector<std::string>& warnings() const { return *warnings_; }

  /// A value for a message: "'2.5'", shortened, or "nothing" and what to do.
  static std::string got(const ConfigNode& n);

  const ConfigNode& resolved() const { return resolved_; }
  const std::vector<FieldDoc>& docs() const { return docs_; }

 private:
  using Warnings = std::shared_ptr<std::vector<std::string>>;
  Fields(const Config& config, ConfigNode node, std::string path, Warnings warnings);
  const ConfigNode* declare(const char* key);
  void take_over(const std::string& fallback, const std::string& name);
  void note_left_out(const std::string& name);
  std::string place(const std::string& key) const;
  size_t index_of(const char* key, const ConfigNode& n, const std::vector<std::string>& names) const;
  int64_t length_of(const char* key);
  Fields enter_item(const char* key, size_t i) const;
  void leave_item(const char* key, Fields& item);
  void keep_list(const char* key, size_t count, const char* doc);
  void keep_choice(const char* key, const char* text, const std::vector<std::string>& all, const char* doc);

  void read(const char* key, const ConfigNode& n, double& value) const;
  void read(const char* key, const ConfigNode& n, float& value) const;
  void read(const char* key, const ConfigNode& n, int& value) const;
  void read(const char* key, const ConfigNode& n, int64_t& value) const;
  void read(const char* key, const ConfigNode& n, uint64_t& value) const;
  void read(const char* key, const ConfigNode& n, bool& value) const;
  void read(const char* key, const ConfigNode& n, std::string& value) const;
  template <class T>
  void read(const char* key, const ConfigNode& n, std::vector<T>& value) const {
    if (!n.is_list()) reject(key, "expected a list like [a, b], got ", got(n));
    value.clear();
    for (const ConfigNode& item : n.items()) {
      T v{};
      read(key, item, v);
      value.push_back(v);
    }
  }
  void hold(const char* key, double value, const Limits& limits) const;
  template <class T>
  void hold(const char* key, const std::vector<T>& values, const Limits& limits) const {
    for (const T& v : values) hold(key, static_cast<double>(v), limits);
  }
  void describe(const Limits& limits);
  template <class T>
  void keep(const char* key, const T& value, const char* doc);

  const Config* config_;
  ConfigNode node_, resolved_;
  ConfigNode passed_;      ///< the keys of a base with another choice
  bool carrying_ = false;  ///< whether passed_ is used
  std::string path_;
  std::vector<std::string> known_;
  std::vector<std::string> carried_;  ///< keys that came from passed_
  std::vector<FieldDoc> docs_;
  Warnings warnings_;
};

/// "0.0313725490", "8/255" -> number. Throws Error otherwise.
double parse_number(const std::string& text);

}  // namespace temper
