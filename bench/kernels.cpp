// The kernels by themselves, from the cases that they register.
#include <algorithm>
#include <set>

#include "bench/suite.h"
#include "core/text.h"
#include "kernels/runtime/case_arrays.h"
#include "kernels/runtime/device_array.h"

namespace temper::bench {

namespace {

/// A case's arrays on the device, as the case wants them before a run.
class CaseMemory {
 public:
  CaseMemory(const KernelCase& c, Stream stream) : case_(c), stream_(stream) {
    for (size_t i = 0; i < c.arrays.size(); ++i) {
      input_.push_back(random_bytes(c.arrays[i], 0, static_cast<int>(i) + 1));
      data_.emplace_back(stream, input_.back());
    }
  }

  CaseArgs args() const {
    std::vector<void*> pointers;
    for (const DeviceArray<char>& d : data_) pointers.push_back(d.data());
    return CaseArgs(pointers);
  }
  void restore() {
    for (size_t i = 0; i < data_.size(); ++i)
      copy(stream_, data_[i].data(), stream_.device, input_[i].data(), Device::cpu, input_[i].size());
    synchronize(stream_);
  }
  /// Throws Error unless `run`, from the start, writes what the reference says.
  void check(const char* what, const CaseBody& run, const CaseBody& setup = {}) {
    restore();
    if (setup) setup(stream_, args());
    run(stream_, args());
    if (want_.empty()) {
      for (size_t i = 0; i < data_.size(); ++i) want_.push_back(to_double(case_.arrays[i], input_[i].data()));
      case_.reference(want_);
    }
    for (size_t i = 0; i < data_.size(); ++i) {
      const std::vector<double> got = to_double(case_.arrays[i], data_[i].read(stream_).data());
      const std::string wrong = difference(case_, case_.arrays[i], want_[i], got);
      TEMPER_CHECK(wrong.empty(), case_.kernel, "/", case_.name, ": the ", what,
                   " is wrong, so it is not timed: ", wrong);
    }
  }
  void forget_reference() { want_.clear(); }

 private:
  const KernelCase& case_;
  Stream stream_;
  std::vector<std::vector<char>> input_;
  std::vector<DeviceArray<char>> data_;
  std::vector<std::vector<double>> want_;
};

/// The narrowest floating-point type of a case's arrays: what tells its variants apart.
DType type_of(const KernelCase& c) {
  DType found = DType::f64;
  for (const CaseArray& a : c.arrays)
    if ((a.dtype == DType::f32 || a.dtype == DType::bf16) && size_of(a.dtype) < size_of(found)) found = a.dtype;
  return found;
}

bool chosen(const Choice& axes, const std::string& axis, const std::string& value) {
  const std::vector<std::string>& v = axes.at(axis);
  return std::find(v.begin(), v.end(), value) != v.end();
}

struct Kernels : Suite {
  std::vector<Axis> axes() const override {
    std::set<std::string> names;
    for (const KernelCase& c : kernel_cases()) names.insert(c.kernel);
    const std::vector<std::string> all(names.begin(), names.end());
    return {{"kernel", all, all}, {"dtype", {"f32", "bf16"}, {"f32", "bf16", "f64"}}};
  }

  std::vector<BenchCase> cases(SuiteContext& context) const override {
    std::set<std::string> has_large;
    for (const KernelCase& c : kernel_cases())
      if (is_large(c)) has_large.insert(c.kernel);
    std::vector<BenchCase> out;
    for (const KernelCase& c : kernel_cases()) {
      const DType t = type_of(c);
      if (c.bytes <= 0 || !chosen(context.axes, "kernel", c.kernel) || !chosen(context.axes, "dtype", name(t)))
        continue;
      if (!context.all && has_large.count(c.kernel) && !is_large(c)) continue;
      out.push_back({.name = c.kernel + "/" + c.name,
                     .axes = {{"kernel", c.kernel}, {"dtype", name(t)}},
                     .dtype = t,
                     .bytes = c.bytes,
                     .flops = c.flops,
                     .prepare = [&c, stream = context.engine.stream()] { return prepare(c, stream); }});
    }
    return out;
  }

  static Work prepare(const KernelCase& c, Stream stream) {
    const auto memory = std::make_shared<CaseMemory>(c, stream);
    memory->check("result", c.run);
    if (c.unfused) memory->check("unfused result", c.unfused, c.unfused_setup);
    memory->forget_reference();
    memory->restore();
    if (c.unfused_setup) c.unfused_setup(stream, memory->args());
    Work work{.run = [&c, stream, memory, args = memory->args()] { c.run(stream, args); }};
    if (c.unfused) {
      work.unfused = [&c, stream, memory, args = memory->args()] { c.unfused(stream, args); };
      work.unfused_name = c.unfused_name;
    }
    return work;
  }
};

TEMPER_REGISTER(Suite, Kernels, "kernels", "the kernels by themselves, at the sizes of networks");

}  // namespace

}  // namespace temper::bench
