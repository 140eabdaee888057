#pragma once
#include <functional>
#include <string>

#include "core/config/node.h"

namespace temper {

/// The text of a configuration file. Throws Error, which begins with `wanted_by`, unless it is a regular file of at
/// most 1 MiB.
std::string config_text(const std::string& file, const std::string& wanted_by = "");

/// The tree of one YAML document: aliases are expanded, merge keys (`<<`) resolved, keys are text and unique. `note` is
/// called with every key's dotted path and its place, "NAME line 3". Throws Error, with NAME and line, for a second
/// document, an alias within its own anchor, more than 64 levels or 10,000 values.
using NotePlace = std::function<void(const std::string& path, const std::string& place)>;
ConfigNode yaml_tree(const std::string& text, const std::string& name, const NotePlace& note);

/// Whether a text is one of YAML's true, yes, on, false, no and off; sets `value`.
bool yaml_bool(const std::string& text, bool& value);

}  // namespace temper
