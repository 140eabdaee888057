#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <ostream>

#include "apps/progress.h"
#include "apps/subcommand.h"
#include "core/text.h"
#include "data/published/fetch.h"
#include "data/published/fingerprint.h"
#include "data/statistics.h"

namespace temper {

namespace {

std::string values(const std::vector<double>& numbers) {
  std::vector<std::string> parts;
  for (const double v : numbers) parts.push_back(fmt::format("{:.4f}", v));
  return "[" + join(parts) + "]";
}

std::string prints(const SetFingerprint& f) {
  return "images " + f.images + ", labels " + f.labels + (f.names.empty() ? "" : ", class names " + f.names);
}

struct Data : Subcommand {
  std::optional<Arguments> list, info, fetch_one;
  std::string name, to;
  std::vector<std::string> overrides;

  void declare(Arguments& app) override {
    list = app.word("list", "data sets that can be read, and sources of the published ones");
    info = app.word("info", "read a data set, check it, and print sizes, classes, mean and standard deviation");
    info->take("name", name, "data set; `temper data list`").required();
    info->take("--set", overrides, "key=value of the data section, such as path=/data/images");
    fetch_one = app.word("fetch", "download a published data set and check it");
    fetch_one->take("name", name, "data set; `temper data list`").required();
    fetch_one->take("--to", to, "folder; without it: where data sets are looked for (" + data_folder() + "/NAME)");
  }

  int run(Session& session) override {
    if (list->given()) print_list(session);
    if (info->given()) print_info(session);
    if (fetch_one->given()) download(session);
    return kExitOk;
  }

  static void print_list(Session& session) {
    size_t widest = 0;
    const auto& readers = Registry<DatasetReader>::instance().all();
    for (const auto& [reader, entry] : readers) widest = std::max(widest, reader.size());
    for (const auto& [reader, entry] : readers) {
      session.out << ink(session.terminal, Ink::bold, fmt::format("{:<{}}", reader, widest)) << "  " << entry.doc
                  << "\n";
      for (const Published& set : published_sets())
        if (set.name == reader) session.out << std::string(widest + 2, ' ') << set.terms << "\n";
    }
    session.out << "\nLooked for in " << data_folder()
                << "/NAME (TEMPER_DATA moves it) and where `path` in the data section says.\n";
  }

  void print_info(Session& session) const {
    Config config;
    config.root["data"]["name"] = name;
    std::vector<std::string> full;
    for (const std::string& o : overrides) full.push_back("data." + o);
    apply_overrides(config, full);
    Fields f(config);
    std::string chosen = name;
    const auto reader = Registry<DatasetReader>::instance().read(f, "data", chosen);
    for (const auto& [split, set] : {std::pair{"train", reader->train()}, std::pair{"test", reader->test()}}) {
      for (const std::string& note : set.notes)
        session.err << ink(session.terminal, Ink::orange, "warning: ") << note << "\n";
      const Statistics s = statistics(set);
      session.out << ink(session.terminal, Ink::bold, split) << ": " << grouped(set.size()) << " images of "
                  << set.height << " x " << set.width << " x " << set.channels << ", " << set.classes << " classes\n"
                  << "  mean " << values(s.mean) << ", standard deviation " << values(s.std) << "\n"
                  << "  fingerprints: " << prints(fingerprint(set)) << "\n";
      for (size_t k = 0; k < s.per_class.size(); ++k)
        session.out << fmt::format("  {:>8}  {}\n", grouped(s.per_class[k]),
                                   k < set.class_names.size() ? printable(set.class_names[k]) : cat("class ", k));
    }
  }

  void download(Session& session) const {
    const Published& set = published(name);
    const std::string folder = to.empty() ? data_folder() + "/" + name : to;
    session.out << set.name << ": " << set.terms << "\n";
    const auto show = [&](const std::string& file, int64_t done, int64_t total) {
      if (!session.terminal.live || total <= 0) return;
      const ProgressView view{.task = file, .fraction = static_cast<double>(done) / static_cast<double>(total)};
      session.out << "\r" << progress_line(view, session.terminal, session.terminal.columns()) << "\x1b[K"
                  << std::flush;
    };
    const std::vector<std::string> files = fetch(set, folder, show);
    if (session.terminal.live) session.out << "\r\x1b[K";
    for (const std::string& file : files) session.out << file << "\n";
    session.out << "complete, in " << folder << "\n";
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Data, "data", "list, inspect and download data sets");

}  // namespace temper
