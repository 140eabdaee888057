#pragma once
#include <string>
#include <vector>

#include "core/safetensors.h"

namespace temper {

/// NumPy's array files: types f4, f8, i4, i8, u1, little endian, C order. Throws Error on anything else.
NamedArray load_npy(const std::string& path);
void save_npy(const std::string& path, const NamedArray& array);

/// NumPy's archives (stored or deflated). Arrays are named as in the archive, without ".npy".
std::vector<NamedArray> load_npz(const std::string& path);
void save_npz(const std::string& path, const std::vector<NamedArray>& arrays);

}  // namespace temper
