// Single kernels, from the cases that they register.
#include "bench/kernels.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "bench/measure.h"
#include "bench/vendor.h"
#include "core/text.h"
#include "kernels/runtime/case_arrays.h"
#include "kernels/runtime/device_array.h"
#include "kernels/runtime/team.h"

namespace temper::bench {

namespace {

using Arrays = std::vector<DeviceArray<char>>;

CaseArgs args_of(const Arrays& arrays) {
  std::vector<void*> pointers;
  for (const DeviceArray<char>& a : arrays) pointers.push_back(a.data());
  return CaseArgs(pointers);
}

/// A case's arrays on the device, as the case wants them before a run, in as many sets as it takes for none to be found
/// in a cache. What is checked is the first set.
class CaseMemory {
 public:
  CaseMemory(const KernelCase& c, Stream stream) : case_(c), stream_(stream), input_(c.arrays.size()) {
    each_item(stream.team, static_cast<int64_t>(c.arrays.size()),
              [&](int64_t i, int) { input_[i] = random_bytes(c.arrays[i], 0, static_cast<int>(i) + 1); });
    double bytes = 0;
    for (const std::vector<char>& values : input_) bytes += static_cast<double>(values.size());
    sets_.resize(rotation(stream.device, bytes));
    for (Arrays& set : sets_)
      for (const std::vector<char>& values : input_) set.emplace_back(stream, values.size());
    for (const Arrays& set : sets_) args_.push_back(args_of(set));
    restore();
  }

  int sets() const { return static_cast<int>(sets_.size()); }
  const CaseArgs& args(int set = 0) const { return args_[set]; }
  void restore() {
    for (size_t i = 0; i < input_.size(); ++i) {
      const void* first = sets_[0][i].data();
      copy(stream_, sets_[0][i].data(), stream_.device, input_[i].data(), Device::cpu, input_[i].size());
      for (size_t set = 1; set < sets_.size(); ++set)
        copy(stream_, sets_[set][i].data(), stream_.device, first, stream_.device, input_[i].size());
    }
    synchronize(stream_);
  }
  /// Throws Error unless `run`, from the start, writes what the reference says.
  void check(const char* what, const CaseBody& run) {
    restore();
    if (case_.setup) case_.setup(stream_, args());
    run(stream_, args());
    std::vector<size_t> all(input_.size());
    std::iota(all.begin(), all.end(), 0);
    const std::string wrong = what_is_wrong(all, case_.tolerance);
    TEMPER_CHECK(wrong.empty(), case_.kernel, "/", case_.name, ": the ", what,
                 " is wrong, so it is not timed: ", wrong);
  }
  /// The first difference between some of the arrays and the reference; empty: none.
  std::string what_is_wrong(const std::vector<size_t>& arrays, double tolerance) {
    if (want_.empty()) {
      for (size_t i = 0; i < input_.size(); ++i) want_.push_back(to_double(case_.arrays[i], input_[i].data()));
      case_.reference(want_);
    }
    for (const size_t i : arrays) {
      const std::vector<double> got = to_double(case_.arrays[i], sets_[0][i].read(stream_).data());
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
  std::vector<Arrays> sets_;
  std::vector<CaseArgs> args_;
  std::vector<std::vector<double>> want_;
};

/// The axis "dtype" of a case, or else the narrowest floating-point type of its arrays.
std::string type_of(const KernelCase& c) {
  for (const CaseAxis& a : c.axes)
    if (a.name == "dtype") return a.value;
  DType found = DType::f64;
  for (const CaseArray& a : c.arrays)
    if ((a.dtype == DType::f32 || a.dtype == DType::bf16) && size_of(a.dtype) < size_of(found)) found = a.dtype;
  return name(found);
}

/// What a case is found by: its kernel, its type, and the axes that it names.
Axes axes_of(const KernelCase& c) {
  Axes axes;
  for (const CaseAxis& a : c.axes) axes[a.name] = a.value;
  axes["kernel"] = c.kernel;
  axes["dtype"] = type_of(c);
  return axes;
}

/// Whether a case has one of the values that are to be measured on every axis. One that does not have an axis is left
/// out only where some of the axis's values are.
bool chosen(const std::vector<Axis>& all, const Choice& choice, const Axes& axes) {
  return std::all_of(all.begin(), all.end(), [&](const Axis& axis) {
    const std::vector<std::string>& values = choice.at(axis.name);
    const auto value = axes.find(axis.name);
    return value == axes.end() ? values.size() == axis.known.size()
                               : std::find(values.begin(), values.end(), value->second) != values.end();
  });
}

struct Kernels : Suite {
  std::vector<Axis> axes() const override {
    std::map<std::string, std::set<std::string>> found;
    for (const KernelCase& c : kernel_cases())
      if (is_timed(c))
        for (const auto& [name, value] : axes_of(c)) found[name].insert(value);
    std::vector<Axis> axes;
    for (const auto& [name, values] : found) axes.push_back({name, {values.begin(), values.end()}, {}});
    for (Axis& axis : axes) {
      axis.known = axis.values;
      if (axis.name == "dtype") axis.values = {"f32", "bf16"};
    }
    return axes;
  }

  std::vector<BenchCase> cases(SuiteContext& context) const override {
    const std::vector<Axis> all = axes();
    std::set<std::string> of_networks;
    for (const KernelCase& c : kernel_cases())
      if (c.size == CaseSize::network) of_networks.insert(c.kernel);
    std::vector<BenchCase> out;
    for (const KernelCase& c : kernel_cases()) {
      const Axes axes = axes_of(c);
      if (!is_timed(c) || !runs_on(c, context.engine.device()) || !chosen(all, context.axes, axes)) continue;
      if (!context.all && of_networks.count(c.kernel) && c.size != CaseSize::network) continue;
      out.push_back({.name = c.kernel + "/" + c.name,
                     .axes = axes,
                     .math = axes.at("dtype"),
                     .bytes = c.bytes,
                     .flops = c.flops,
                     .prepare = [&c, stream = context.engine.stream()] { return prepare_kernel(c, stream); }});
    }
    return out;
  }
};

TEMPER_REGISTER(Suite, Kernels, "kernels", "single kernels, at the sizes of networks");

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
  work.unfused = [run = vendor->run](int) { run(); };
  work.unfused_name = vendor->name;
}

}  // namespace

Work prepare_kernel(const KernelCase& c, Stream stream) {
  const auto memory = std::make_shared<CaseMemory>(c, stream);
  memory->check("result", c.run);
  Work work{.runs = {.stream = stream,
                     .run = [&c, stream, memory](int set) { c.run(stream, memory->args(set)); },
                     .sets = memory->sets(),
                     .launcher = Launcher::device}};
  if (c.unfused) {
    memory->check("unfused result", c.unfused);
    work.unfused = [&c, stream, memory](int set) { c.unfused(stream, memory->args(set)); };
    work.unfused_name = c.unfused_name;
  } else {
    add_vendor(c, stream, *memory, work);
  }
  memory->forget_reference();
  memory->restore();
  for (int set = 0; c.setup && set < memory->sets(); ++set) c.setup(stream, memory->args(set));
  return work;
}

}  // namespace temper::bench
