#include <ostream>

#include "apps/subcommand.h"
#include "core/environment/environment.h"
#include "core/files/json.h"

namespace temper {

namespace {

void print(std::ostream& out, const nlohmann::ordered_json& node, const std::string& indent) {
  for (const auto& [key, value] : node.items()) {
    std::string name = key;
    std::replace(name.begin(), name.end(), '_', ' ');
    out << indent << name << ":";
    if (value.is_object()) {
      out << "\n";
      print(out, value, indent + "  ");
      continue;
    }
    const size_t used = name.size() + indent.size();
    out << std::string(used < 20 ? 20 - used : 1, ' ');
    if (value.is_array())
      for (const auto& item : value) out << item.get<std::string>() << ' ';
    else
      out << (value.is_string() ? value.get<std::string>() : value.dump());
    out << "\n";
  }
}

struct Version : Subcommand {
  bool json = false;

  void declare(Arguments& app) override { app.flag("--json", json, "print JSON"); }

  int run(Session& session) override {
    const nlohmann::ordered_json all = environment();
    if (json)
      session.out << all.dump(2) << "\n";
    else
      print(session.out, all, "");
    return kExitOk;
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Version, "version", "what this is built from and runs on");

}  // namespace temper
