#include "trainers/state/state_copy.h"

namespace temper {

StateCopy::StateCopy(Visit visit) : visit_(std::move(visit)) { take(); }

void StateCopy::take() {
  struct Taking : StateVisitor {
    StateCopy& to;
    explicit Taking(StateCopy& to) : to(to) {}
    void operator()(const std::string& name, double& value) override { to.reals_[name] = value; }
    void operator()(const std::string& name, int64_t& value) override { to.integers_[name] = value; }
    void operator()(const std::string& name, ParamBuffer& buffer) override {
      to.buffers_.try_emplace(name, buffer.layout(), buffer.dtype(), buffer.stream()).first->second.copy_from(buffer);
    }
  } taking(*this);
  visit_(taking);
}

void StateCopy::put_back() {
  struct PuttingBack : StateVisitor {
    const StateCopy& from;
    explicit PuttingBack(const StateCopy& from) : from(from) {}
    void operator()(const std::string& name, double& value) override { value = from.reals_.at(name); }
    void operator()(const std::string& name, int64_t& value) override { value = from.integers_.at(name); }
    void operator()(const std::string& name, ParamBuffer& buffer) override { buffer.copy_from(from.buffers_.at(name)); }
  } putting(*this);
  visit_(putting);
}

void StateCopy::visit(StateVisitor& v, const std::string& prefix) {
  for (auto& [name, value] : reals_) v(prefix + name, value);
  for (auto& [name, value] : integers_) v(prefix + name, value);
  for (auto& [name, buffer] : buffers_) v(prefix + name, buffer);
}

}  // namespace temper
