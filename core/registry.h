#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/text.h"

namespace TEMPER_API temper {

/// The classes of one kind (trainers, attacks, models, data sets) by name. A class registers itself in its own source
/// file, so there is no list to edit. A name that is registered twice is an Error at the first use of the registry:
/// registration runs before main(), where an exception could not be caught.
template <class Base>
class Registry {
 public:
  using Make = std::function<std::unique_ptr<Base>()>;
  struct Entry {
    Make make;
    std::string doc;
    std::string where = {};  ///< file and line of the registration
  };

  static Registry& instance() {
    static Registry registry;
    return registry;
  }
  bool add(const char* name, const char* doc, Make make, const char* file = __builtin_FILE(),
           int line = __builtin_LINE()) {
    const std::string where = cat(file, " line ", line);
    const auto [there, added] = entries_.emplace(name, Entry{std::move(make), doc, where});
    if (!added && twice_.empty())
      twice_ = cat("'", name, "' is registered twice: ", there->second.where, " and ", where,
                   "; rename one of them, or link one of the two files only");
    return true;
  }
  /// Throws Error, as all that follows does, if a name is registered twice.
  const std::map<std::string, Entry>& all() const {
    TEMPER_CHECK(twice_.empty(), twice_);
    return entries_;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& [name, entry] : all()) out.push_back(name);
    return out;
  }
  bool has(const std::string& name) const { return all().count(name) > 0; }
  /// A new member with its defaults. Throws Error with the nearest name.
  std::unique_ptr<Base> make(const std::string& name) const {
    const auto it = all().find(name);
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
  std::string twice_;  ///< the error, if a name was registered twice
};

}  // namespace temper

/// In a .cpp at namespace scope: TEMPER_REGISTER(Trainer, Trades, "trades", "clean cross entropy + beta * KL").
#define TEMPER_REGISTER(Base, Type, name, doc)                                                     \
  [[maybe_unused]] static const bool registered_##Type = ::temper::Registry<Base>::instance().add( \
      name, doc, [] { return std::unique_ptr<Base>(std::make_unique<Type>()); })
