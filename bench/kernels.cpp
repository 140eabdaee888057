// The kernels by themselves, from the cases that they register.
#include "bench/kernels.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "bench/vendor.h"
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
    std::vector<size_t> all(data_.size());
    std::iota(all.begin(), all.end(), 0);
    const std::string wrong = what_is_wrong(all, case_.tolerance);
    TEMPER_CHECK(wrong.empty(), case_.kernel, "/", case_.name, ": the ", what,
                 " is wrong, so it is not timed: ", wrong);
  }
  /// The first difference between some of the arrays and the reference; empty: none.
  std::string what_is_wrong(const std::vector<size_t>& arrays, double tolerance) {
    if (want_.empty()) {
      for (size_t i = 0; i < data_.size(); ++i) want_.push_back(to_double(case_.arrays[i], input_[i].data()));
      case_.reference(want_);
    }
    for (const size_t i : arrays) {
      const std::vector<double> got = to_double(case_.arrays[i], data_[i].read(stream_).data());
      const std::string wrong = difference(tolerance, case_.arrays[i], want_[i], got);
      if (!wrong.empty()) return wrong;
    }
    return "";
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
                     .prepare = [&c, stream = context.engine.stream()] { return prepare_kernel(c, stream); }});
    }
    return out;
  }
};

TEMPER_REGISTER(Suite, Kernels, "kernels", "the kernels by themselves, at the sizes of networks");

/// Sets a library against a case that has nothing else to be compared with.
void add_vendor(const KernelCase& c, Stream stream, CaseMemory& memory, Work& work) {
  memory.restore();
  const std::optional<VendorRun> vendor = vendor_run(stream, c, memory.args());
  if (!vendor) return;
  vendor->run();
  const std::string wrong = memory.what_is_wrong(vendor->results, std::max(c.tolerance, vendor->tolerance));
  if (!wrong.empty()) {
    work.note = cat("not timed: ", vendor->name, ", whose result is wrong: ", wrong);
    return;
  }
  work.unfused = vendor->run;
  work.unfused_name = vendor->name;
}

}  // namespace

Work prepare_kernel(const KernelCase& c, Stream stream) {
  const auto memory = std::make_shared<CaseMemory>(c, stream);
  memory->check("result", c.run);
  Work work{.run = [&c, stream, memory, args = memory->args()] { c.run(stream, args); }};
  if (c.unfused) {
    memory->check("unfused result", c.unfused, c.unfused_setup);
    work.unfused = [&c, stream, memory, args = memory->args()] { c.unfused(stream, args); };
    work.unfused_name = c.unfused_name;
  } else {
    add_vendor(c, stream, *memory, work);
  }
  memory->forget_reference();
  memory->restore();
  if (c.unfused_setup) c.unfused_setup(stream, memory->args());
  return work;
}

}  // namespace temper::bench
