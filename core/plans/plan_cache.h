#pragma once
// Plans that a library chose for a computation, kept on disk, so that a run chooses nothing twice and a repeated run
// gets the same engines. Knows no library: a plan is its text.
#include <optional>
#include <string>
#include <vector>

namespace temper {

/// One file per key in `folder`, which is made when the first plan is stored; an empty folder keeps nothing. The key
/// names everything a plan depends on: operation, shapes, types, library version, device. A file that is damaged, or
/// holds another key, is left alone, named in notes(), and counts as absent; so does a folder that cannot be written.
/// The first store removes what processes that were killed left there.
class PlanCache {
 public:
  explicit PlanCache(std::string folder) : folder_(std::move(folder)) {}

  std::optional<std::string> load(const std::string& key);
  void store(const std::string& key, const std::string& plan);
  /// What a stored plan turned out to be when the library was given it: named in notes(), overwritten by the next
  /// store.
  void reject(const std::string& key, const std::string& reason);

  const std::vector<std::string>& notes() const { return notes_; }
  /// Where a key's plan lies.
  std::string path(const std::string& key) const;

 private:
  std::string folder_;
  bool swept_ = false;  ///< of what killed processes left
  std::vector<std::string> notes_;
};

/// plans/ in TEMPER_CACHE, else in XDG_CACHE_HOME/temper, else in ~/.cache/temper; empty, which keeps nothing, where
/// none of them is set or TEMPER_CACHE is empty.
std::string default_plan_folder();

}  // namespace temper
