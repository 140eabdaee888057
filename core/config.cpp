#include "core/config.h"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "core/text.h"

namespace temper {

namespace {

std::string join_path(const std::string& path, const std::string& key) { return path.empty() ? key : path + "." + key; }

YAML::Node parse(const std::string& text, const std::string& name) {
  try {
    YAML::Node n = YAML::Load(text);
    if (n.IsNull()) return YAML::Node(YAML::NodeType::Map);
    TEMPER_CHECK(n.IsMap(), name, ": expected `key: value` lines at the top level");
    return n;
  } catch (const YAML::Exception& e) {
    fail(name, " line ", e.mark.line + 1, ": ", e.msg);
  }
}

void note_items(const YAML::Node& list, const std::string& file, const std::string& path, Config& config);

void note_places(const YAML::Node& n, const std::string& file, const std::string& path, Config& config) {
  std::set<std::string> seen;
  for (const auto& kv : n) {
    const std::string key = kv.first.as<std::string>(), full = join_path(path, key);
    config.where[full] = cat(file, " line ", kv.first.Mark().line + 1);
    TEMPER_CHECK(seen.insert(key).second, config.where[full], ": the key '", key, "' is given twice");
    if (kv.second.IsMap()) note_places(kv.second, file, full, config);
    if (kv.second.IsSequence()) note_items(kv.second, file, full, config);
  }
}

void note_items(const YAML::Node& list, const std::string& file, const std::string& path, Config& config) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (!list[i].IsMap()) continue;
    const std::string full = cat(path, ".", i);
    config.where[full] = cat(file, " line ", list[i].Mark().line + 1);
    note_places(list[i], file, full, config);
  }
}

void overlay_node(YAML::Node onto, const YAML::Node& from) {
  for (const auto& kv : from) {
    const std::string key = kv.first.as<std::string>();
    if (kv.second.IsMap() && onto[key] && onto[key].IsMap())
      overlay_node(onto[key], kv.second);
    else
      onto[key] = YAML::Clone(kv.second);
  }
}

void apply_override(Config& config, const std::string& text) {
  const size_t eq = text.find('=');
  TEMPER_CHECK(eq != std::string::npos && eq > 0, "--set ", text, ": expected key=value, such as --set loop.epochs=2");
  const std::string path = text.substr(0, eq);
  YAML::Node value;
  try {
    value = YAML::Load(text.substr(eq + 1));
  } catch (const YAML::Exception& e) {
    fail("--set ", text, ": ", e.msg);
  }
  YAML::Node n = config.root;
  std::string at;
  for (size_t from = 0; from <= path.size();) {
    const size_t dot = std::min(path.find('.', from), path.size());
    const std::string key = path.substr(from, dot - from);
    TEMPER_CHECK(!key.empty() && n.IsMap(), "--set ", text, ": '", at, "' has no keys below it");
    at = join_path(at, key);
    config.where[at] = "--set " + path;
    if (dot == path.size()) {
      n[key] = value;
      return;
    }
    if (!n[key]) n[key] = YAML::Node(YAML::NodeType::Map);
    n.reset(n[key]);
    from = dot + 1;
  }
}

Config read_file(const std::string& file) {
  std::ifstream in(file);
  TEMPER_CHECK(in, file, ": cannot be read; is the path right?");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  Config config{parse(text, file), {}};
  note_places(config.root, file, "", config);
  if (!config.root["base"]) return config;
  const std::string base = config.root["base"].as<std::string>();
  config.root.remove("base");
  Config whole = read_file((std::filesystem::path(file).parent_path() / base).string());
  overlay(whole, config);
  return whole;
}

}  // namespace

double parse_number(const std::string& text) {
  const auto one = [&](const std::string& part) {
    double v = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), v);
    TEMPER_CHECK(error == std::errc() && end == part.data() + part.size() && std::isfinite(v),
                 "expected a number, got '", text, "'");
    return v;
  };
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return one(text);
  const double share = one(text.substr(0, slash)) / one(text.substr(slash + 1));
  TEMPER_CHECK(std::isfinite(share), "expected a number, got '", text, "'");
  return share;
}

void overlay(Config& onto, const Config& from) {
  if (onto.root.IsNull()) onto.root = YAML::Node(YAML::NodeType::Map);
  overlay_node(onto.root, from.root);
  for (const auto& [path, place] : from.where) onto.where[path] = place;
}

void apply_overrides(Config& config, const std::vector<std::string>& overrides) {
  for (const std::string& o : overrides) apply_override(config, o);
}

Config load_config(const std::string& file, const std::vector<std::string>& overrides) {
  Config config = read_file(file);
  apply_overrides(config, overrides);
  return config;
}

Config parse_config(const std::string& text, const std::string& name, const std::vector<std::string>& overrides) {
  Config config{parse(text, name), {}};
  note_places(config.root, name, "", config);
  apply_overrides(config, overrides);
  return config;
}

Fields::Fields(const Config& config)
    : Fields(config, config.root, "", std::make_shared<std::vector<std::string>>()) {}
Fields::Fields(const Config& config, YAML::Node node, std::string path, Warnings warnings)
    : config_(&config),
      node_(std::move(node)),
      resolved_(YAML::NodeType::Map),
      path_(std::move(path)),
      warnings_(std::move(warnings)) {}

std::string Fields::place(const std::string& key) const {
  const std::string full = join_path(path_, key);
  const auto at = config_->where.find(full);
  return (at == config_->where.end() ? std::string() : at->second + ": ") + full + ": ";
}

YAML::Node Fields::declare(const char* key) {
  known_.push_back(key);
  return node_.IsMap() ? static_cast<const YAML::Node&>(node_)[key] : YAML::Node(YAML::NodeType::Undefined);
}

bool Fields::has(const char* key) const { return node_.IsMap() && node_[key]; }

std::vector<std::string> Fields::keys() const {
  std::vector<std::string> out;
  for (const auto& kv : node_) out.push_back(kv.first.as<std::string>());
  return out;
}

size_t Fields::index_of(const char* key, const YAML::Node& n, const std::vector<std::string>& names) const {
  std::string got;
  read(key, n, got);
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == got) return i;
  reject(key, "expected one of ", join(names), ", got '", got, "'", did_you_mean(got, names));
}

void Fields::hold(const char* key, double value, const Limits& limits) const {
  if (!limits.allow(value)) reject(key, "expected ", limits.text(), ", got ", number_text(value));
  if (!limits.usual(value))
    warn(key, number_text(value), " is hardly meant; usual are ", limits.usual_text());
}

void Fields::describe(const Limits& limits) {
  std::string& type = docs_.back().type;
  if (!limits.text().empty()) type += ", " + limits.text();
  if (!limits.usual_text().empty()) type += "; usually " + limits.usual_text();
}

void Fields::keep_choice(const char* key, const char* text, const std::vector<std::string>& all, const char* doc) {
  resolved_[key] = text;
  docs_.push_back({join_path(path_, key), join(all, " | "), text, doc});
}

Fields Fields::enter(const char* key) {
  const YAML::Node n = declare(key);
  if (n && !n.IsMap() && !n.IsNull())
    reject(key, "expected a section of `key: value` lines, got '", YAML::Dump(n), "'");
  return Fields(*config_, n && n.IsMap() ? n : YAML::Node(YAML::NodeType::Map), join_path(path_, key), warnings_);
}

void Fields::leave(const char* key, Fields& sub) {
  sub.finish();
  resolved_[key] = sub.resolved_;
  docs_.insert(docs_.end(), sub.docs_.begin(), sub.docs_.end());
}

std::string Fields::here() const {
  const auto at = config_->where.find(path_);
  return (at == config_->where.end() ? std::string() : at->second + ": ") + (path_.empty() ? "" : path_ + ": ");
}

int64_t Fields::length_of(const char* key) {
  const YAML::Node n = declare(key);
  resolved_[key] = YAML::Node(YAML::NodeType::Sequence);
  if (!n) return -1;
  if (!n.IsSequence()) reject(key, "expected a list of sections, got '", YAML::Dump(n), "'");
  return static_cast<int64_t>(n.size());
}

Config Fields::part(const char* key, const char* doc) {
  const Fields sub = enter(key);
  Config out{YAML::Clone(sub.node_), {}};
  const std::string prefix = sub.path_ + ".";
  for (const auto& [path, place] : config_->where)
    if (path.rfind(prefix, 0) == 0) out.where[path.substr(prefix.size())] = place;
  resolved_[key] = out.root;
  docs_.push_back({sub.path_, "section", "", doc});
  return out;
}

Fields Fields::enter_item(const char* key, size_t i) const {
  YAML::Node item(YAML::NodeType::Map);
  if (has(key)) item.reset(node_[key][i]);
  const std::string path = cat(join_path(path_, key), ".", i);
  if (!item.IsMap())
    reject(key, "expected item ", i, " to be a section of `key: value` lines, got '", YAML::Dump(item), "'");
  return Fields(*config_, item, path, warnings_);
}

void Fields::leave_item(const char* key, Fields& item) {
  item.finish();
  resolved_[key].push_back(item.resolved_);
}

void Fields::keep_list(const char* key, size_t count, const char* doc) {
  docs_.push_back({join_path(path_, key), "list of sections", cat(count, count == 1 ? " item" : " items"), doc});
}

void Fields::finish() const {
  for (const auto& kv : node_) {
    const std::string key = kv.first.as<std::string>();
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const auto at = config_->where.find(join_path(path_, key));
    fail(at == config_->where.end() ? "" : at->second + ": ", path_.empty() ? "" : path_ + ": ", "unknown key '", key,
         "'", did_you_mean(key, known_));
  }
}

namespace {
template <class Int>
Int whole(const std::string& text) {
  Int v{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  TEMPER_CHECK(error == std::errc() && end == text.data() + text.size(), "expected a whole number, got '", text, "'");
  return v;
}

std::string scalar(const YAML::Node& n, const char* what) {
  TEMPER_CHECK(n.IsScalar(), "expected ", what, ", got '", YAML::Dump(n), "'");
  return n.Scalar();
}

// The shortest text that reads back as the same value.
template <class T>
std::string text_of(const T& v) {
  char buffer[40];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, v).ptr};
}
std::string text_of(bool v) { return v ? "true" : "false"; }
std::string text_of(const std::string& v) { return v; }

template <class T>
const char* type_name() {
  if constexpr (std::is_same_v<T, bool>)
    return "true | false";
  else if constexpr (std::is_integral_v<T>)
    return "whole number";
  else if constexpr (std::is_floating_point_v<T>)
    return "number";
  else
    return "text";
}
template <class T>
struct Described {
  static std::string type() { return type_name<T>(); }
  static YAML::Node node(const T& v) { return YAML::Node(text_of(v)); }
  static std::string text(const T& v) { return text_of(v); }
};
template <class T>
struct Described<std::vector<T>> {
  static std::string type() { return cat("list of ", type_name<T>()); }
  static YAML::Node node(const std::vector<T>& v) {
    YAML::Node n(YAML::NodeType::Sequence);
    n.SetStyle(YAML::EmitterStyle::Flow);
    for (const T& item : v) n.push_back(text_of(item));
    return n;
  }
  static std::string text(const std::vector<T>& v) {
    std::vector<std::string> parts;
    for (const T& item : v) parts.push_back(text_of(item));
    return "[" + join(parts) + "]";
  }
};
}  // namespace

template <class T>
void Fields::keep(const char* key, const T& value, const char* doc) {
  resolved_[key] = Described<T>::node(value);
  docs_.push_back({join_path(path_, key), Described<T>::type(), Described<T>::text(value), doc});
}

void Fields::read(const char* key, const YAML::Node& n, double& value) const {
  try {
    value = parse_number(scalar(n, "a number"));
  } catch (const Error& e) {
    reject(key, e.what());
  }
}
void Fields::read(const char* key, const YAML::Node& n, float& value) const {
  double v = 0;
  read(key, n, v);
  value = static_cast<float>(v);
  if (!std::isfinite(value)) reject(key, "expected a number, got '", n.Scalar(), "', more than 32 bits hold");
}
template <class Int>
static void read_whole(const Fields& f, const char* key, const YAML::Node& n, Int& value) {
  try {
    value = whole<Int>(scalar(n, "a whole number"));
  } catch (const Error& e) {
    f.reject(key, e.what());
  }
}
void Fields::read(const char* key, const YAML::Node& n, int& value) const { read_whole(*this, key, n, value); }
void Fields::read(const char* key, const YAML::Node& n, int64_t& value) const { read_whole(*this, key, n, value); }
void Fields::read(const char* key, const YAML::Node& n, uint64_t& value) const { read_whole(*this, key, n, value); }
void Fields::read(const char* key, const YAML::Node& n, bool& value) const {
  if (!n.IsScalar() || !YAML::convert<bool>::decode(n, value))
    reject(key, "expected true or false, got '", YAML::Dump(n), "'");
}
void Fields::read(const char* key, const YAML::Node& n, std::string& value) const {
  if (!n.IsScalar()) reject(key, "expected text, got '", YAML::Dump(n), "'");
  value = n.Scalar();
}

template void Fields::keep(const char*, const double&, const char*);
template void Fields::keep(const char*, const float&, const char*);
template void Fields::keep(const char*, const int&, const char*);
template void Fields::keep(const char*, const int64_t&, const char*);
template void Fields::keep(const char*, const uint64_t&, const char*);
template void Fields::keep(const char*, const bool&, const char*);
template void Fields::keep(const char*, const std::string&, const char*);
template void Fields::keep(const char*, const std::vector<int>&, const char*);
template void Fields::keep(const char*, const std::vector<double>&, const char*);
template void Fields::keep(const char*, const std::vector<std::string>&, const char*);

}  // namespace temper
