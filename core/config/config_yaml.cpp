#include "core/config/config_yaml.h"

#include <filesystem>
#include <optional>
#include <set>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "core/files/file.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

constexpr uintmax_t kMostBytes = 1 << 20;
constexpr size_t kMostLevels = 64, kMostValues = 10'000;

class Tree {
 public:
  Tree(const std::string& name, const NotePlace& note) : name_(name), note_(note) {}

  ConfigNode copy(const YAML::Node& n, const std::string& path) {
    TEMPER_CHECK(++values_ <= kMostValues, name_, ": has more than ", kMostValues,
                 " values once its aliases are written out; is this a configuration?");
    check_tag(n);
    if (n.IsNull()) return {};
    if (n.IsScalar()) return n.Scalar();
    for (const YAML::Node& open : open_)
      TEMPER_CHECK(!open.is(n), at(n), ": an alias inside its own anchor never ends; write the value out");
    TEMPER_CHECK(open_.size() < kMostLevels, at(n), ": more than ", kMostLevels, " levels deep");
    open_.push_back(n);
    const auto layout =
        n.Style() == YAML::EmitterStyle::Flow ? ConfigNode::Layout::one_line : ConfigNode::Layout::lines;
    ConfigNode out = n.IsMap() ? ConfigNode::section(layout) : ConfigNode::list(layout);
    if (n.IsMap()) {
      std::set<std::string> seen;
      copy_keys(n, path, seen, out);
    } else {
      copy_items(n, path, out);
    }
    open_.pop_back();
    return out;
  }

 private:
  std::string at(const YAML::Node& n) const { return cat(name_, " line ", n.Mark().line + 1); }

  void check_tag(const YAML::Node& n) const {
    const std::string& tag = n.Tag();
    TEMPER_CHECK(tag.empty() || tag == "?" || tag == "!" || tag.starts_with("tag:yaml.org,2002:"), at(n), ": the tag ",
                 tag, " means nothing here; write the value itself");
  }

  void copy_items(const YAML::Node& list, const std::string& path, ConfigNode& out) {
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string full = cat(path, ".", i);
      if (list[i].IsMap()) note_(full, at(list[i]));
      out.push_back(copy(list[i], full));
    }
  }

  // The keys that are written here, then those of merge keys that are not among them.
  void copy_keys(const YAML::Node& map, const std::string& path, std::set<std::string>& seen, ConfigNode& out) {
    std::vector<YAML::Node> merged;
    for (const auto& kv : map) {
      TEMPER_CHECK(kv.first.IsScalar(), at(kv.first), ": expected a key, such as `seed: 1`, got ",
                   kv.first.IsNull() ? "nothing" : "a list or a section", " before the colon");
      const std::string& key = kv.first.Scalar();
      if (key == "<<" && kv.first.Tag() != "!") {
        merged.push_back(kv.second);
        continue;
      }
      TEMPER_CHECK(seen.insert(key).second, at(kv.first), ": the key '", key, "' is given twice");
      add(kv.first, kv.second, path, out);
    }
    for (const YAML::Node& from : merged) merge(from, path, seen, out);
  }

  void merge(const YAML::Node& from, const std::string& path, std::set<std::string>& seen, ConfigNode& out) {
    if (from.IsSequence()) {
      for (const YAML::Node& one : from) merge_one(one, path, seen, out);
    } else {
      merge_one(from, path, seen, out);
    }
  }

  void merge_one(const YAML::Node& from, const std::string& path, std::set<std::string>& seen, ConfigNode& out) {
    TEMPER_CHECK(from.IsMap(), at(from), ": << expects an alias of a section, or a list of them");
    const ConfigNode keys = copy(from, path);  // which resolves its own merge keys
    for (const auto& [key, value] : keys.entries())
      if (seen.insert(key).second) out.add(key, value);
  }

  void add(const YAML::Node& key, const YAML::Node& value, const std::string& path, ConfigNode& out) {
    const std::string full = join_path(path, key.Scalar());
    note_(full, at(key));
    out.add(key.Scalar(), copy(value, full));
  }

  const std::string& name_;
  const NotePlace& note_;
  std::vector<YAML::Node> open_;
  size_t values_ = 0;
};

/// Counts the documents of a YAML text and finds the first that follows another and holds anything.
struct Documents : YAML::EventHandler {
  int count = 0, line = 0, position = -1;
  std::optional<int> second;  ///< its line
  bool stuck = false;         ///< the parser does not get past `line`, and would report documents there for ever
  void OnDocumentStart(const YAML::Mark& mark) override {
    stuck = mark.pos == position;
    ++count, line = mark.line + 1, position = mark.pos;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override { found(); }
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override { found(); }
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    found();
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    found();
  }
  void OnMapEnd() override {}

 private:
  void found() {
    if (count > 1 && !second) second = line;
  }
};

YAML::Node only_document(const std::string& text, const std::string& name) {
  std::istringstream in(text);
  YAML::Parser parser(in);
  Documents documents;
  while (!documents.stuck && parser.HandleNextDocument(documents)) {
  }
  TEMPER_CHECK(!documents.stuck, name, " line ", documents.line, ": expected `key: value` or an item of a list");
  TEMPER_CHECK(!documents.second, name, " line ", *documents.second,
               ": a second YAML document begins here; expected one, so put it into another file or remove `---`");
  return YAML::Load(text);
}

}  // namespace

std::string config_text(const std::string& file, const std::string& wanted_by) {
  std::error_code failed;
  const fs::file_status status = fs::status(file, failed);
  if (fs::is_directory(status))
    fail(wanted_by, file, ": is a folder; expected a YAML file",
         fs::exists(fs::path(file) / "config.yaml", failed) ? cat(", such as ", file, "/config.yaml") : "");
  TEMPER_CHECK(!fs::exists(status) || fs::is_regular_file(status), wanted_by, file,
               ": is a device or a pipe; expected a YAML file");
  TEMPER_CHECK(fs::exists(status), wanted_by, file, ": cannot be read; is the path right?");
  TEMPER_CHECK(fs::file_size(file, failed) <= kMostBytes && !failed, wanted_by, file,
               ": is larger than 1 MiB; expected a configuration, which is a short YAML file");
  const std::vector<char> bytes = read_file(file);
  return {bytes.begin(), bytes.end()};
}

ConfigNode yaml_tree(const std::string& text, const std::string& name, const NotePlace& note) {
  try {
    return Tree(name, note).copy(only_document(text, name), "");
  } catch (const YAML::Exception& e) {
    fail(name, e.mark.is_null() ? "" : cat(" line ", e.mark.line + 1), ": ", e.msg);
  }
}

bool yaml_bool(const std::string& text, bool& value) { return YAML::convert<bool>::decode(YAML::Node(text), value); }

}  // namespace temper
