#pragma once
#include <functional>
#include <string>

#include "core/config/config.h"

namespace temper {

/// The text of a configuration file. Throws Error, which begins with `wanted_by`, unless it is a regular file of at
/// most 1 MiB.
std::string config_text(const std::string& file, const std::string& wanted_by = "");

/// One YAML document as a tree of its own: aliases written out, merge keys (`<<`) resolved, keys text and given once.
/// `note` is told every key's dotted path and the place it is written at, "NAME line 3". Throws Error, with NAME and
/// line, on anything else: a second document, an alias inside what it names, more than 64 levels or 10,000 values.
using NotePlace = std::function<void(const std::string& path, const std::string& place)>;
YAML::Node yaml_tree(const std::string& text, const std::string& name, const NotePlace& note);

/// "a.b"; "b" where there is no `path`.
std::string join_path(const std::string& path, const std::string& key);

}  // namespace temper
