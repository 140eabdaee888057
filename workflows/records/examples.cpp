#include "workflows/records/examples.h"

#include "core/text.h"
#include "kernels/runtime/check.h"
#include "trainers/records/run_files.h"

namespace temper {

namespace {

using json = nlohmann::ordered_json;

std::string checked_picture(const std::string& uri, const std::string& place) {
  const std::string begin = "data:image/png;base64,";
  const bool in_page = uri.rfind(begin, 0) == 0 &&
                       uri.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=",
                                             begin.size()) == std::string::npos;
  TEMPER_CHECK(in_page, place, ": expected a picture as '", begin, "...', got '", uri.substr(0, 40), "'");
  return uri;
}

Example example_of(const json& j, const std::string& file) {
  const auto picture = [&](const char* which) { return checked_picture(j.at(which), cat(file, ": ", which)); };
  return {.truth = j.at("truth"),
          .clean_label = j.at("clean_label"),
          .attacked_label = j.at("attacked_label"),
          .clean_confidence = j.value("clean_confidence", 0.0),
          .attacked_confidence = j.value("attacked_confidence", 0.0),
          .clean = picture("clean"),
          .attacked = picture("attacked"),
          .difference = picture("difference")};
}

}  // namespace

std::string examples_text(const Examples& examples) {
  json j = {{"attack", examples.attack}, {"gain", examples.gain}, {"images", json::array()}};
  for (const Example& e : examples.images)
    j["images"].push_back({{"truth", e.truth},
                           {"clean_label", e.clean_label},
                           {"attacked_label", e.attacked_label},
                           {"clean_confidence", e.clean_confidence},
                           {"attacked_confidence", e.attacked_confidence},
                           {"clean", e.clean},
                           {"attacked", e.attacked},
                           {"difference", e.difference}});
  return json_text(j);
}

Examples read_examples(const std::filesystem::path& file) {
  const json j = read_run_json(file);
  try {
    Examples out{.attack = j.value("attack", ""), .gain = j.value("gain", 1.0), .images = {}};
    for (const json& image : j.value("images", json::array())) out.images.push_back(example_of(image, file.string()));
    return out;
  } catch (const json::exception& e) {
    fail(file.string(), ": is not one that temper wrote: ", printable(e.what()));
  }
}

}  // namespace temper
