#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

/// A value of a configuration: nothing, a text, a list, or a section of keys in their order. Numbers are text: what a
/// text means is up to whoever reads it. A copy shares nothing with what it was copied from.
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

  const std::string& text() const { return text_; }                ///< empty of what is no text
  const std::vector<ConfigNode>& items() const { return items_; }  ///< of a list; empty of anything else
  const std::vector<Entry>& entries() const { return entries_; }   ///< of a section; empty of anything else

  /// Where there is no such key, or this is no section: null.
  const ConfigNode* find(const std::string& key) const;
  ConfigNode* find(const std::string& key);
  /// Where there is no such key, or this is no section: nothing.
  const ConfigNode& operator[](const std::string& key) const;
  /// Adds the key where there is none. Nothing becomes a section; a text or a list has no keys: Error.
  ConfigNode& operator[](const std::string& key);
  /// Adds a key that is not there.
  void add(const std::string& key, ConfigNode value) { entries_.emplace_back(key, std::move(value)); }
  void erase(const std::string& key);
  /// Item i of a list, from 0.
  ConfigNode& item(size_t i) { return items_.at(i); }
  void push_back(ConfigNode item) { items_.push_back(std::move(item)); }

  /// The YAML that reads back as this, without a newline at the end.
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

/// "a.b"; "b" where there is no `path`.
std::string join_path(const std::string& path, const std::string& key);

}  // namespace temper
