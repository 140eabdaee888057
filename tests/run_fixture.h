#pragma once
// A finished run's folder, written by hand: what report and comparison are tested on.
#include <filesystem>
#include <fstream>
#include <string>

#include "evaluation/report/png.h"
#include "kernels/runtime/check.h"

namespace temper::test {

inline void write_file(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

inline void write_fake_run(const std::filesystem::path& folder, const std::string& method, double clean, double pgd,
                           double cw) {
  const auto row = [](const std::string& label, const std::string& description, double percent) {
    return cat("{\"label\":\"", label, "\",\"description\":\"", description, "\",\"correct\":", 20 * percent,
               ",\"total\":2000,\"percent\":", percent, ",\"seconds\":12.5}");
  };
  write_file(
      folder / "evaluation.json",
      cat("{\"method\":\"", method, "\",\"model\":\"small_cnn\",\"data\":\"fashion_mnist_subset\",\"device\":\"cpu\",",
          "\"outcome\":\"finished\",\"weights\":\"last\",\"command\":\"temper train runs/x/config.yaml --out 'a<b>&c'\",",
          "\"epochs\":3,\"images_train\":9000,\"images_test\":2000,\"train_seconds\":103.2,\"nrr_attack\":\"cw\",",
          "\"nrr\":", 2 * clean * cw / (clean + cw), ",\"rows\":[", row("clean", "", clean), ",",
          row("pgd20", "pgd(norm=linf, radius=0.100000)", pgd), ",", row("cw", "pgd(loss=margin)", cw), "]}"));
  write_file(folder / "metrics.csv",
             "epoch,train_loss,lr,clean,robust\n1,1.5,0.1,60.5,40.25\n2,0.9,0.1,,\n3,0.7,0.01,79.5,66\n");
  write_file(folder / "config.yaml", "seed: 1\ntrainer:\n  name: " + method + "\n  attack:\n    radius: 0.1\n");
  write_file(folder / "environment.json", "{\"version\":\"0.1.0\",\"libraries\":{\"onednn\":\"2.6.3\"},\"threads\":2}");
  Picture p{8, 8, 1, {}};
  for (int i = 0; i < 64; ++i) p.pixels.push_back(static_cast<uint8_t>(4 * i));
  const std::string uri = data_uri(p);
  write_file(
      folder / "examples.json",
      cat("{\"attack\":\"pgd20\",\"gain\":5,\"images\":[{\"truth\":\"ankle boot\",\"clean_label\":\"ankle boot\",",
          "\"attacked_label\":\"sandal\",\"clean_confidence\":0.98,\"attacked_confidence\":0.61,\"clean\":\"", uri,
          "\",\"attacked\":\"", uri, "\",\"difference\":\"", uri, "\"}]}"));
}

}  // namespace temper::test
