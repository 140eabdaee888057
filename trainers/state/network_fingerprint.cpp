#include "trainers/state/network_fingerprint.h"

#include <algorithm>

#include "core/files/fingerprint.h"
#include "trainers/state/checkpoint.h"

namespace temper {

std::string network_fingerprint(Network& network) {
  return network_fingerprint(collect([&](StateVisitor& v) { visit_network(v, network); }));
}

std::string network_fingerprint(const Safetensors& checkpoint) {
  std::vector<const NamedArray*> arrays;
  for (const NamedArray& a : checkpoint.arrays)
    if (a.name.starts_with("model.")) arrays.push_back(&a);
  std::sort(arrays.begin(), arrays.end(), [](const NamedArray* a, const NamedArray* b) { return a->name < b->name; });
  Fingerprinter print;
  for (const NamedArray* a : arrays) {
    print.add(a->name).add(cat(a->dtype));
    for (const int64_t extent : a->shape) print.add(extent);
    print.add(a->bytes.data(), a->bytes.size());
  }
  return print.text();
}

}  // namespace temper
