#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

/// A value of a configuration: nothing, a text, a list, or a section of keys in order. Numbers are text; their reader
/// parses them. A copy is a deep copy.
class ConfigNode {
 public:
  enum class Kind : uint8_t { nothing, text, list, section };
  /// How yaml() writes a list or a section.
  enum class Layout : uint8_t { lines, one_line };
  using Entry = std::pair<std::string, ConfigNode>;

  ConfigNode() = default;  ///< nothing
  ConfigNode(std::string text) : kind_(Kind::text), text_(std::move(text)) {}
  ConfigNode(const char* text) : ConfigNode(std::string(text)) {}
  static ConfigNode list(Layout layout = Layout::lines) { return {Kind::list, layout}; }
  static ConfigNode section(Layout layout = Layout::lines) { return {Kind::section, layout}; }

  Kind kind() const { return kind_; }
  Layout layout() const { return layout_; }
  bool is_nothing() const { return kind_ == Kind::nothing; }
  bool is_text() const { return kind_ == Kind::text; }
  bool is_list() const { return kind_ == Kind::list; }
  bool is_section() const { return kind_ == Kind::section; }

  const std::string& text() const { return text_; }                ///< empty unless this is a text
  const std::vector<ConfigNode>& items() const { return items_; }  ///< empty unless this is a list
  const std::vector<Entry>& entries() const { return entries_; }   ///< empty unless this is a section

  /// The value of a key; null if there is no such key or this is not a section.
  const ConfigNode* find(const std::string& key) const;
  ConfigNode* find(const std::string& key);
  /// The value of a key; a node of Kind::nothing if there is no such key or this is not a section.
  const ConfigNode& operator[](const std::string& key) const;
  /// The value of a key, which is added if it does not exist. A node of Kind::nothing becomes a section; throws Error
  /// for a text or a list.
  ConfigNode& operator[](const std::string& key);
  /// Adds a key, which must not exist yet.
  void add(const std::string& key, ConfigNode value) { entries_.emplace_back(key, std::move(value)); }
  void erase(const std::string& key);
  /// Item i of a list, from 0.
  ConfigNode& item(size_t i) { return items_.at(i); }
  void push_back(ConfigNode item) { items_.push_back(std::move(item)); }

  /// YAML that parses to this value, without a newline at the end.
  std::string yaml() const;

 private:
  ConfigNode(Kind kind, Layout layout) : kind_(kind), layout_(layout) {}

  Kind kind_ = Kind::nothing;
  Layout layout_ = Layout::lines;
  std::string text_;
  std::vector<ConfigNode> items_;
  std::vector<Entry> entries_;
};

/// Dotted keys and their values as text, in their order; a list is one value: "[1, 2]".
using FlatYaml = std::vector<std::pair<std::string, std::string>>;
FlatYaml flattened(const ConfigNode& node);

/// "a.b", or "b" if `path` is empty.
std::string join_path(const std::string& path, const std::string& key);

}  // namespace temper
