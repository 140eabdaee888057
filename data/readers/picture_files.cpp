#include "data/readers/picture_files.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/text.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

const std::set<std::string> kEndings = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp"};
constexpr const char* kRead = ".jpg, .jpeg, .jpe, .jfif, .png or .webp";

/// What is in a folder, sorted. Throws Error if it cannot be listed.
std::vector<fs::directory_entry> entries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::directory_entry> all;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) all.push_back(*at);
  TEMPER_CHECK(!error, "folder: ", folder.string(), " cannot be listed: ", error.message());
  std::sort(all.begin(), all.end());
  return all;
}

bool is_hidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with('.') || name == "__MACOSX";
}

/// How many of each kind: "8 .tif, 2 folders".
class Counts {
 public:
  void add(const fs::directory_entry& entry) {
    std::error_code none;
    if (is_hidden(entry.path()))
      ++kinds_["hidden"];
    else if (entry.is_directory(none))
      ++kinds_["folders"];
    else if (!entry.is_regular_file(none))
      ++kinds_["special files"];
    else
      ++kinds_[entry.path().has_extension() ? ending(entry.path()) : "without an ending"];
  }
  static std::string ending(const fs::path& path) {
    std::string text = path.extension().string();
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
  }
  std::string text() const {
    std::vector<std::string> parts;
    for (const auto& [kind, count] : kinds_) parts.push_back(cat(count, " ", kind));
    return join(parts);
  }

 private:
  std::map<std::string, int64_t> kinds_;
};

}  // namespace

std::vector<std::string> class_folders(const fs::path& root) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : entries(root)) {
    std::error_code none;
    if (entry.is_directory(none) && !is_hidden(entry.path())) names.push_back(entry.path().filename().string());
  }
  return names;
}

PictureFiles list_pictures(const fs::path& root, const std::vector<std::string>& classes) {
  PictureFiles out;
  Counts all;
  for (const fs::directory_entry& entry : entries(root)) {
    std::error_code none;
    if (is_hidden(entry.path()) || !entry.is_directory(none)) all.add(entry);
  }
  for (size_t k = 0; k < classes.size(); ++k) {
    const size_t before = out.files.size();
    Counts others;
    for (const fs::directory_entry& entry : entries(root / classes[k])) {
      std::error_code none;
      if (!is_hidden(entry.path()) && entry.is_regular_file(none) && kEndings.count(Counts::ending(entry.path()))) {
        out.files.push_back(entry.path().string());
        out.labels.push_back(static_cast<int32_t>(k));
      } else {
        others.add(entry);
        all.add(entry);
      }
    }
    TEMPER_CHECK(out.files.size() > before, "folder: ", (root / classes[k]).string(), " has no ", kRead, " files",
                 others.text().empty() ? "" : ", only " + others.text());
  }
  if (!all.text().empty())
    out.passed_over =
        cat("folder: ", root.string(), ": ignored ", all.text(), "; only ", kRead, " files in class folders are read");
  return out;
}

}  // namespace temper
