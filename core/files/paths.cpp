#include "core/files/paths.h"

#include <filesystem>
#include <vector>

#include "core/text.h"
#include "kernels/runtime/check.h"

namespace temper {

std::string shipped_path(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  const std::vector<fs::path> roots = {program / "../share/temper", TEMPER_INSTALLED_SHARE, TEMPER_SOURCE_ROOT};
  std::vector<std::string> tried;
  for (const fs::path& root : roots) {
    if (fs::exists(root / name, ignored)) return (root / name).lexically_normal();
    tried.push_back((root / name).lexically_normal());
  }
  fail("shipped_path: '", name, "' was found at none of ", join(tried), "; run cmake --install again");
}

}  // namespace temper
