#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/files/npy.h"

namespace temper {

/// NumPy's array files; core/files/npy.h says which.
NamedArray load_npy(const std::string& path);
void save_npy(const std::string& path, const NamedArray& array);

/// One of NumPy's archives (stored or deflated), from which an array is read when it is asked for: what else is in it
/// does not matter. Arrays are named as in the archive, without ".npy". Memory is taken for what the file holds, not
/// for what its directory says. Throws Error, naming the file, on anything damaged.
class NpzFile {
 public:
  explicit NpzFile(const std::string& path);
  ~NpzFile();
  NpzFile(NpzFile&&) noexcept;

  const std::vector<std::string>& names() const { return names_; }
  bool has(const std::string& name) const;
  /// Whether it is an array of real numbers, which read() can read.
  bool holds_numbers(const std::string& name) const;
  /// Throws Error, listing what there is, if there is none of that name.
  NamedArray read(const std::string& name) const;

 private:
  struct Archive;
  size_t index_of(const std::string& name) const;
  std::string who(const std::string& name) const { return path_ + ": " + name; }

  std::string path_;
  std::unique_ptr<Archive> archive_;
  std::vector<std::string> names_;
};

/// All of an archive.
std::vector<NamedArray> load_npz(const std::string& path);
void save_npz(const std::string& path, const std::vector<NamedArray>& arrays);

}  // namespace temper
