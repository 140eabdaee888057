#pragma once
// Plans stored on disk, so that a repeated run uses the same engines without choosing again. Independent of the
// library: a plan is its text.
#include <optional>
#include <string>
#include <vector>

namespace temper {

/// One file per key in `folder`, which is created with the first plan; without a folder nothing is stored. The key
/// contains everything that a plan depends on: operation, shapes, types, library version, device. A file that is
/// damaged or holds another key is left as it is, named in notes(), and ignored; so is a folder that cannot be written.
/// The first store() removes temporary files of killed processes.
class PlanCache {
 public:
  explicit PlanCache(std::string folder) : folder_(std::move(folder)) {}

  std::optional<std::string> load(const std::string& key);
  void store(const std::string& key, const std::string& plan);
  /// Notes that the library did not accept a stored plan. The next store() overwrites it.
  void reject(const std::string& key, const std::string& reason);

  const std::vector<std::string>& notes() const { return notes_; }
  /// The file of a key's plan.
  std::string path(const std::string& key) const;

 private:
  std::string folder_;
  bool swept_ = false;  ///< whether temporary files of killed processes were removed
  std::vector<std::string> notes_;
};

/// plans/ in TEMPER_CACHE, else in XDG_CACHE_HOME/temper, else in ~/.cache/temper. Empty (nothing is stored) if none of
/// these variables is set, or if TEMPER_CACHE is empty.
std::string default_plan_folder();

}  // namespace temper
