#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/text.h"

namespace temper {

/// Everything of one kind (trainers, attacks, models, data sets) by name. Members register themselves where they are
/// written; there is no list to edit.
template <class Base>
class Registry {
 public:
  using Make = std::function<std::unique_ptr<Base>()>;
  struct Entry {
    Make make;
    std::string doc;
  };

  static Registry& instance() {
    static Registry registry;
    return registry;
  }
  bool add(const char* name, const char* doc, Make make) {
    entries_.emplace(name, Entry{std::move(make), doc});
    return true;
  }
  const std::map<std::string, Entry>& all() const { return entries_; }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& [name, entry] : entries_) out.push_back(name);
    return out;
  }
  bool has(const std::string& name) const { return entries_.count(name) > 0; }
  /// A new member with its defaults. Throws Error with the nearest name.
  std::unique_ptr<Base> make(const std::string& name) const {
    const auto it = entries_.find(name);
    TEMPER_CHECK(it != entries_.end(), "unknown name '", name, "'", did_you_mean(name, names()),
                 " (known: ", join(names()), ")");
    return it->second.make();
  }
  /// Reads the section `key` of `f`: its `name` (the default on entry, the choice on return) picks the member, whose
  /// own fields() reads the rest; `more` lists what else the section holds, whatever its name.
  std::unique_ptr<Base> read(Fields& f, const char* key, std::string& name,
                             const std::function<void(Fields&)>& more = {}) const {
    Fields sub = f.enter(key);
    const std::string fallback = name;
    sub("name", name, "which one; see `temper list`");
    if (!has(name))
      sub.reject("name", "unknown name '", name, "'", did_you_mean(name, names()), " (known: ", join(names()), ")");
    std::unique_ptr<Base> made = make(name);
    sub.chosen(fallback, name, [&](Fields& common) {
      if (more) more(common);
    });
    made->fields(sub);
    f.leave(key, sub);
    return made;
  }

 private:
  std::map<std::string, Entry> entries_;
};

}  // namespace temper

/// In a .cpp at namespace scope: TEMPER_REGISTER(Trainer, Trades, "trades", "clean cross entropy + beta * KL").
#define TEMPER_REGISTER(Base, Type, name, doc)                                                     \
  [[maybe_unused]] static const bool registered_##Type = ::temper::Registry<Base>::instance().add( \
      name, doc, [] { return std::unique_ptr<Base>(std::make_unique<Type>()); })
