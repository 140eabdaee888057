#include "core/config/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/config/config_yaml.h"
#include "core/text.h"

namespace temper {

double parse_number(const std::string& text) {
  const auto one = [&](const std::string& part) {
    double v = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), v);
    TEMPER_CHECK(error == std::errc() && end == part.data() + part.size() && std::isfinite(v),
                 "expected a number, got '", shortened(text), "'");
    return v;
  };
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return one(text);
  const double share = one(text.substr(0, slash)) / one(text.substr(slash + 1));
  TEMPER_CHECK(std::isfinite(share), "expected a number, got '", text, "'");
  return share;
}

namespace {
// The keys at `path` that were given before and are not now: "attack.steps".
void note_missing(const std::string& path, const ConfigNode& before, const ConfigNode* now,
                  std::vector<std::string>& missing) {
  if (!now) missing.push_back(path);
  if (!now || !now->is_section()) return;
  for (const auto& [key, value] : before.entries()) note_missing(join_path(path, key), value, now->find(key), missing);
}
}  // namespace

Fields::Fields(const Config& config) : Fields(config, config.root, "", std::make_shared<std::vector<std::string>>()) {}
Fields::Fields(const Config& config, ConfigNode node, std::string path, Warnings warnings)
    : config_(&config),
      node_(std::move(node)),
      resolved_(ConfigNode::section()),
      path_(std::move(path)),
      warnings_(std::move(warnings)) {
  if (const auto passed = config.passed.find(path_); passed != config.passed.end()) passed_ = passed->second.keys;
}

std::string Fields::place(const std::string& key) const {
  const std::string full = join_path(path_, key);
  for (std::string at = full;; at.resize(at.rfind('.'))) {  // a key that is not given: its section's place
    if (const auto found = config_->where.find(at);
        found != config_->where.end() && (at == full || !found->second.starts_with("--")))
      return found->second + ": " + full + ": ";
    if (at.find('.') == std::string::npos) return full + ": ";
  }
}

const ConfigNode* Fields::declare(const char* key) {
  known_.push_back(key);
  if (has(key)) return node_.find(key);
  const ConfigNode* passed = carrying_ ? passed_.find(key) : nullptr;
  if (passed) carried_.push_back(key);
  return passed;
}

void Fields::take_over(const std::string& fallback, const std::string& name) {
  const auto passed = config_->passed.find(path_);
  if (passed == config_->passed.end() || !passed->second.name.empty() || name != fallback) return;
  Config all{.root = passed->second.keys};  // keys of a base without a name are meant for the default
  overlay(all, {.root = node_});
  node_ = all.root;
  passed_ = {};
}

void Fields::note_left_out(const std::string& name) {
  if (!passed_.is_section()) return;
  std::vector<std::string> left;
  for (const auto& [key, value] : passed_.entries())
    if (std::find(carried_.begin(), carried_.end(), key) == carried_.end())
      note_missing(key, value, std::as_const(node_).find(key), left);
  const std::string& before = config_->passed.at(path_).name;
  if (!left.empty())
    warn("name", "'", name, "' in place of ", before.empty() ? "the default" : "'" + before + "'",
         ", so these keys of the base do not carry over: ", join(left));
}

bool Fields::has(const char* key) const { return node_.find(key) != nullptr; }

std::vector<std::string> Fields::keys() const {
  std::vector<std::string> out;
  for (const auto& [key, value] : node_.entries()) out.push_back(key);
  return out;
}

size_t Fields::index_of(const char* key, const ConfigNode& n, const std::vector<std::string>& names) const {
  std::string text;
  read(key, n, text);
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == text) return i;
  reject(key, "expected one of ", join(names), ", got '", shortened(text), "'", did_you_mean(text, names));
}

void Fields::hold(const char* key, double value, const Limits& limits) const {
  if (!limits.allow(value)) reject(key, "expected ", limits.text(), ", got ", number_text(value));
  if (!limits.usual(value))
    warn(key, number_text(value), " is probably a mistake; usual values are ", limits.usual_text());
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
  const ConfigNode* n = declare(key);
  if (n && !n->is_section() && !n->is_nothing()) reject(key, "expected a section of `key: value` lines, got ", got(*n));
  return Fields(*config_, n && n->is_section() ? *n : ConfigNode::section(), join_path(path_, key), warnings_);
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
  const ConfigNode* n = declare(key);
  resolved_[key] = ConfigNode::list();
  if (!n) return -1;
  if (!n->is_list()) reject(key, "expected a list of sections, got ", got(*n));
  return static_cast<int64_t>(n->items().size());
}

Config Fields::part(const char* key, const char* doc) {
  const Fields sub = enter(key);
  Config out{.root = sub.node_};
  const std::string prefix = sub.path_ + ".";
  for (const auto& [path, place] : config_->where)
    if (path.starts_with(prefix)) out.where[path.substr(prefix.size())] = place;
  for (const auto& [path, passed] : config_->passed)
    if (path.starts_with(prefix)) out.passed[path.substr(prefix.size())] = passed;
  resolved_[key] = out.root;
  docs_.push_back({sub.path_, "section", "", doc});
  return out;
}

Fields Fields::enter_item(const char* key, size_t i) const {
  const ConfigNode* list = node_.find(key);
  const ConfigNode item = list ? list->items().at(i) : ConfigNode::section();
  const std::string path = cat(join_path(path_, key), ".", i);
  if (!item.is_section()) reject(key, "expected item ", i, " to be a section of `key: value` lines, got ", got(item));
  return Fields(*config_, item, path, warnings_);
}

void Fields::leave_item(const char* key, Fields& item) {
  item.finish();
  resolved_[key].push_back(item.resolved_);
}

void Fields::keep_list(const char* key, size_t count, const char* doc) {
  docs_.push_back({join_path(path_, key), "list of sections", cat(count, count == 1 ? " item" : " items"), doc});
}

std::string Fields::got(const ConfigNode& n) {
  if (n.is_nothing()) return "nothing; give a value, or remove the key for the default";
  return "'" + shortened(n.yaml()) + "'";
}

void Fields::finish() const {
  for (const auto& [key, value] : node_.entries()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const auto at = config_->where.find(join_path(path_, key));
    fail(at == config_->where.end() ? "" : at->second + ": ", path_.empty() ? "" : path_ + ": ", "unknown key '",
         shortened(key), "'", did_you_mean(key, known_),
         known_.empty() ? "; this section has no keys" : cat(" (known: ", join(known_), ")"));
  }
}

namespace {
template <class Int>
Int whole(const std::string& text) {
  Int v{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  TEMPER_CHECK(error == std::errc() && end == text.data() + text.size(), "expected a whole number, got '",
               shortened(text), "'");
  return v;
}

const std::string& text(const ConfigNode& n, const char* what) {
  TEMPER_CHECK(n.is_text(), "expected ", what, ", got ", Fields::got(n));
  return n.text();
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
  static ConfigNode node(const T& v) { return text_of(v); }
  static std::string text(const T& v) { return text_of(v); }
};
template <class T>
struct Described<std::vector<T>> {
  static std::string type() { return cat("list of ", type_name<T>()); }
  static ConfigNode node(const std::vector<T>& v) {
    ConfigNode n = ConfigNode::list(ConfigNode::Layout::one_line);
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

void Fields::read(const char* key, const ConfigNode& n, double& value) const {
  try {
    value = parse_number(text(n, "a number"));
  } catch (const Error& e) {
    reject(key, e.what());
  }
}
void Fields::read(const char* key, const ConfigNode& n, float& value) const {
  double v = 0;
  read(key, n, v);
  value = static_cast<float>(v);
  if (!std::isfinite(value)) reject(key, "expected a number, got '", shortened(n.text()), "', more than 32 bits hold");
}
template <class Int>
static void read_whole(const Fields& f, const char* key, const ConfigNode& n, Int& value) {
  try {
    value = whole<Int>(text(n, "a whole number"));
  } catch (const Error& e) {
    f.reject(key, e.what());
  }
}
void Fields::read(const char* key, const ConfigNode& n, int& value) const { read_whole(*this, key, n, value); }
void Fields::read(const char* key, const ConfigNode& n, int64_t& value) const { read_whole(*this, key, n, value); }
void Fields::read(const char* key, const ConfigNode& n, uint64_t& value) const { read_whole(*this, key, n, value); }
void Fields::read(const char* key, const ConfigNode& n, bool& value) const {
  if (!n.is_text() || !yaml_bool(n.text(), value)) reject(key, "expected true or false, got ", got(n));
}
void Fields::read(const char* key, const ConfigNode& n, std::string& value) const {
  if (!n.is_text()) reject(key, "expected text, got ", got(n));
  value = n.text();
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
