#include "core/files/folders.h"

#include "core/files/file.h"

namespace temper {

namespace fs = std::filesystem;

namespace {

fs::file_status status_of(const fs::path& path) {
  std::error_code failed;
  const fs::file_status status = fs::status(path, failed);
  TEMPER_CHECK(status.type() != fs::file_type::none, path.string(), ": cannot be looked at: ", failed.message());
  return status;
}

}  // namespace

bool is_there(const fs::path& path) { return fs::exists(status_of(path)); }
bool is_folder(const fs::path& path) { return fs::is_directory(status_of(path)); }

void make_folder(const fs::path& path) {
  std::error_code failed;
  fs::create_directories(path, failed);
  TEMPER_CHECK(!failed, path.string(), ": the folder cannot be made: ", failed.message());
}

void write_text(const fs::path& file, std::string_view text) {
  if (const fs::path folder = file.parent_path(); !folder.empty()) make_folder(folder);
  write_text_atomically(file.string(), text);
}

}  // namespace temper
