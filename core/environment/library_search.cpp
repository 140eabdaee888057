#include "core/environment/library_search.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>

namespace temper {

namespace fs = std::filesystem;

std::string loaded_library(const std::string& soname) {
  void* const handle = dlopen(soname.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (!handle) return "";
  link_map* map = nullptr;
  std::string path;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0) path = map->l_name;
  dlclose(handle);
  return path;
}

std::vector<fs::path> cuda_folders(const std::vector<std::string>& libraries, const std::vector<fs::path>& toolkits) {
  std::vector<fs::path> folders;
  const auto add = [&](const fs::path& folder) {
    std::error_code unreadable;
    const fs::path real = fs::canonical(folder, unreadable);
    if (!unreadable && std::find(folders.begin(), folders.end(), real) == folders.end()) folders.push_back(real);
  };
  for (const std::string& library : libraries) {
    if (library.empty()) continue;
    std::error_code unreadable;
    for (const fs::path& file : {fs::path(library), fs::canonical(library, unreadable)}) {
      if (file.empty()) continue;
      add(file.parent_path());
      const fs::path wheels = file.parent_path() / ".." / "..";
      for (const char* part : {"cu13", "cu12", "cuda_nvrtc", "nvjitlink"}) add(wheels / part / "lib");
    }
  }
  for (const fs::path& toolkit : toolkits)
    for (const char* part : {"lib64", "lib", "targets/x86_64-linux/lib"}) add(toolkit / part);
  return folders;
}

std::string find_library(const std::vector<fs::path>& folders, const std::string& name) {
  for (const fs::path& folder : folders) {
    if (fs::exists(folder / name)) return folder / name;
    std::string longest;
    std::error_code unreadable;
    for (const auto& entry : fs::directory_iterator(folder, unreadable))
      if (const std::string file = entry.path().filename(); file.rfind(name + ".", 0) == 0 && file > longest)
        longest = file;
    if (!longest.empty()) return folder / longest;
  }
  return "";
}

}  // namespace temper
