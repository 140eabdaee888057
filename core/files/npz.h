#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/files/npy.h"

namespace TEMPER_API temper {

/// NumPy's array files (.npy), with the types of core/files/npy.h.
NamedArray load_npy(const std::string& path);
void save_npy(const std::string& path, const NamedArray& array);

/// A NumPy archive (.npz, stored or deflated). Arrays are read on request, so other contents do not matter. Arrays are
/// named as in the archive, without ".npy". Memory is allocated for the actual content, not for sizes that a damaged
/// directory claims. Throws Error, naming the file, if something is damaged.
class NpzFile {
 public:
  explicit NpzFile(const std::string& path);
  ~NpzFile();
  NpzFile(NpzFile&&) noexcept;

  const std::vector<std::string>& names() const { return names_; }
  bool has(const std::string& name) const;
  /// Whether it is an array of real numbers, which read() can read.
  bool holds_numbers(const std::string& name) const;
  /// Throws Error, listing the names, if there is no such array.
  NamedArray read(const std::string& name) const;

 private:
  struct Archive;
  size_t index_of(const std::string& name) const;
  std::string who(const std::string& name) const { return path_ + ": " + name; }

  std::string path_;
  std::unique_ptr<Archive> archive_;
  std::vector<std::string> names_;
};

/// All arrays of an archive.
std::vector<NamedArray> load_npz(const std::string& path);
void save_npz(const std::string& path, const std::vector<NamedArray>& arrays);

}  // namespace temper
