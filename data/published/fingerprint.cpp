#include "data/published/fingerprint_json.h"

#include "core/files/json.h"

#include "core/files/fingerprint.h"

namespace temper {

SetFingerprint fingerprint(const ImageSet& set) {
  Fingerprinter images, labels, names;
  for (const int64_t extent : {set.size(), set.height, set.width, set.channels, set.crop}) images.add(extent);
  images.add(cat(set.dtype)).add(set.pixels.data(), set.pixels.size());
  labels.add(set.classes);
  for (const int32_t label : set.labels) labels.add(int64_t{label});
  for (const std::string& name : set.class_names) names.add(name);
  return {.count = set.size(),
          .images = images.text(),
          .labels = labels.text(),
          .names = set.class_names.empty() ? "" : names.text()};
}

std::string SetFingerprint::text() const { return cat(count, " images, ", images, " / ", labels); }

std::vector<std::string> differences(const SetFingerprint& was, const SetFingerprint& is) {
  std::vector<std::string> out;
  if (!was.known() || !is.known()) return out;
  if (was.count != is.count) {
    out.push_back(cat(was.count, " images -> ", is.count, " images"));
    return out;
  }
  if (was.images != is.images) out.push_back(cat("other pixels: ", was.images, " -> ", is.images));
  if (was.labels != is.labels) out.push_back(cat("other labels: ", was.labels, " -> ", is.labels));
  if (was.names != is.names && !was.names.empty() && !is.names.empty())
    out.push_back(cat("other class names: ", was.names, " -> ", is.names));
  return out;
}

nlohmann::ordered_json to_json(const SetFingerprint& f) {
  nlohmann::ordered_json j = {{"count", f.count}, {"images", f.images}, {"labels", f.labels}};
  if (!f.names.empty()) j["names"] = f.names;
  return j;
}

SetFingerprint set_fingerprint(const nlohmann::json& j) {
  return {.count = j.value("count", int64_t{0}),
          .images = j.value("images", ""),
          .labels = j.value("labels", ""),
          .names = j.value("names", "")};
}

}  // namespace temper
