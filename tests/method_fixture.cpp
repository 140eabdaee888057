#include "tests/method_fixture.h"

#include <algorithm>

#include "tests/training_fixture.h"

namespace temper::test {

namespace {

std::vector<FieldDoc> keys_of(const std::string& method) {
  const Config none = parse_config("{}");
  Fields f(none);
  Registry<Trainer>::instance().make(method)->fields(f);
  return f.docs();
}

// The other values of a key that has few: "a | b | c".
std::vector<std::string> others(const FieldDoc& key) {
  std::vector<std::string> values;
  if (key.type.find(" | ") == std::string::npos) return values;
  for (size_t from = 0, to = 0; to != std::string::npos; from = to + 3) {
    to = key.type.find(" | ", from);
    values.push_back(key.type.substr(from, to - from));
  }
  std::erase(values, key.value);
  return values;
}

MethodSetting defaults(const std::string& method) {
  MethodSetting s{"{name: " + method + "}",
                  {"model.branches=[adv, clean]", "augment.crop_pad=1", "augment.flip=random",
                   "schedule={name: cosine}", "ema.decay=0.9", "swa.start=1", "swa.every=2"}};
  for (const FieldDoc& key : keys_of(method))
    for (const auto& [name, value] : {std::pair{"radius", "0.05"}, {"step", "0.02"}, {"steps", "2"}})
      if (key.key == std::string("attack.") + name) s.second.push_back("trainer." + key.key + "=" + value);
  return s;
}

// Whether the toy network can be trained so: a switch may want another key, or a layer that it does not have.
bool accepted(const MethodSetting& s) {
  try {
    Experiment e = tiny(s.first, s.second);
    const TrainingState state(e, read_splits(e));
    return true;
  } catch (const Error&) {
    return false;
  }
}

// All but those that a test registers for itself.
std::vector<std::string> names() {
  std::vector<std::string> all = Registry<Trainer>::instance().names();
  std::erase_if(all, [](const std::string& name) { return name.starts_with("test_"); });
  return all;
}

}  // namespace

std::vector<MethodSetting> every_method() {
  std::vector<MethodSetting> all;
  for (const std::string& name : names()) all.push_back(defaults(name));
  return all;
}

std::vector<MethodSetting> every_variant() {
  std::vector<MethodSetting> all = every_method();
  for (const std::string& name : names())
    for (const FieldDoc& key : keys_of(name))
      for (const std::string& value : others(key)) {
        MethodSetting s = defaults(name);
        s.second.push_back("trainer." + key.key + "=" + value);
        if (accepted(s)) all.push_back(s);
      }
  return all;
}

}  // namespace temper::test
