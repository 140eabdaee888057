#include "bench/breakdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "core/convolution/arithmetic.h"
#include "core/graph/step_graph.h"
#include "core/text.h"
#include "kernels/runtime/memory.h"

namespace temper::bench {

namespace {

constexpr size_t kLongest = 10;

/// What some of the ranges have taken and done together.
struct Share {
  int64_t calls = 0;
  double seconds = 0, flops = 0, bytes = 0;
};

/// What one call does, as far as its name and extents tell.
struct Work {
  double flops = 0, bytes = 0;
};

Work convolution_work(const std::string& name, const ConvShape& g, const std::string& math) {
  const double each = math == "bf16" || math == "f16" ? 2 : 4;
  const auto x = static_cast<double>(g.n * g.h * g.w * g.c), y = static_cast<double>(g.n * g.p() * g.q() * g.k);
  const auto w = static_cast<double>(g.k * g.r * g.s * g.c);
  const double beside = name == "conv2d_backward_data_relu" ? x : name == "conv2d_backward_data_add_relu" ? 2 * x : 0;
  return {.flops = flops_of(g), .bytes = (x + y + w + beside) * each};
}

Work work_of(const RangeLog::Node& n, const std::string& math) {
  if (const auto g = convolution_of(n)) return convolution_work(n.name, *g, math);
  if (n.name == "copy") return {.bytes = 2.0 * static_cast<double>(n.extents.at(0))};
  if (n.name == "set_zero") return {.bytes = static_cast<double>(n.extents.at(0))};
  return {};
}

std::string title(const ConvShape& g) {
  return fmt::format("n{} {}x{}x{}-{} {}x{}{}", g.n, g.h, g.w, g.c, g.k, g.r, g.s,
                     g.stride == 1 ? "" : fmt::format(" stride {}", g.stride));
}

std::string title(const RangeLog::Node& n) {
  if (const auto g = convolution_of(n)) return n.name + " " + title(*g);
  std::vector<std::string> extents;
  for (const int64_t e : n.extents) extents.push_back(std::to_string(e));
  return extents.empty() ? n.name : n.name + " " + join(extents, " x ");
}

using Shares = std::map<std::string, Share>;

Json listed(const Shares& shares, int runs, const BreakdownContext& context, size_t most = SIZE_MAX) {
  std::vector<std::pair<std::string, Share>> all(shares.begin(), shares.end());
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  if (all.size() > most) all.resize(most);
  Json out = Json::array();
  for (const auto& [name, s] : all) {
    Json& j = out.emplace_back(
        Json{{"name", name}, {"calls", static_cast<double>(s.calls) / runs}, {"seconds", s.seconds / runs}});
    if (s.flops > 0) j["flops"] = s.flops / runs;
    if (s.bytes > 0) j["bytes"] = s.bytes / runs;
    const double calls = static_cast<double>(s.calls);
    const Limit limit = limit_of(context.peaks, s.bytes / calls, s.flops / calls, context.math);
    if (limit.seconds <= 0) continue;
    j["bound"] = limit.bound;
    j["of_peak"] = limit.seconds * calls / s.seconds;
  }
  return out;
}

/// The phase a node belongs to: the outermost of those that make up a step.
std::string phase_of(const std::vector<RangeLog::Node>& nodes, int i) {
  static const std::set<std::string> kPhases = {"attack", "forward", "backward", "update"};
  std::string found = "other";
  for (; i > 0; i = nodes[i].parent)
    if (nodes[i].kind == RangeKind::phase && kPhases.count(nodes[i].name)) found = nodes[i].name;
  return found;
}

bool inside_kernel(const std::vector<RangeLog::Node>& nodes, int i) {
  for (i = nodes[i].parent; i > 0; i = nodes[i].parent)
    if (nodes[i].kind == RangeKind::kernel) return true;
  return false;
}

/// The time of an empty range, measured in replays by the device if it can.
double empty_range(const BreakdownContext& context) {
  constexpr int kRanges = 64, kRuns = 5;
  static const char* kName = "empty";
  RangeLog& log = context.log;
  const Stream stream = context.engine.stream();
  StepGraph graph(context.engine, GraphUse::automatic, make_graph_recorder(stream.device));
  const auto run = [&] {
    graph.run({.size = 1}, [&] {
      for (int i = 0; i < kRanges; ++i) const KernelRange range(stream, kName);
    });
    synchronize(stream);
    log.settle();
  };
  for (int i = 0; i < 3; ++i) run();
  log.restart();
  for (int i = 0; i < kRuns; ++i) run();
  const auto node = std::find_if(log.nodes().begin(), log.nodes().end(), [](const auto& n) { return n.name == kName; });
  const double seconds = node->seconds / static_cast<double>(node->count);
  log.clear();
  return seconds;
}

}  // namespace

Json breakdown(const BreakdownContext& context, int runs, const std::function<void()>& run) {
  RangeLog& log = context.log;
  const bool events = log.has_clock();
  Json out{{"seconds", 0}, {"explained", 0}, {"timed", "by the clock, at both ends of each range"}};
  if (events) {
    out["timed"] = "by events at both ends of each kernel and phase, in replays if the step is captured";
    out["empty_range_seconds"] = empty_range(context);
  }
  // On a GPU the first run builds plans, the second is recorded.
  for (int i = 0; i < (events ? 3 : 1); ++i) {
    run();
    log.settle();
  }
  log.restart();
  double total = 0;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    total += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    log.settle();
  }

  const std::vector<RangeLog::Node>& nodes = log.nodes();
  Shares kernels, convolutions, shapes;
  std::map<std::string, double> phases;
  double in_kernels = 0, in_phases = 0;
  for (int i = 1; i < static_cast<int>(nodes.size()); ++i) {
    const RangeLog::Node& n = nodes[i];
    if (n.count == 0) continue;
    if (phase_of(nodes, i) != "other" && phase_of(nodes, n.parent) == "other") {
      phases[phase_of(nodes, i)] += n.seconds / runs;
      in_phases += n.seconds;
    }
    if (n.kind != RangeKind::kernel || inside_kernel(nodes, i)) continue;
    in_kernels += n.seconds;
    const Work work = work_of(n, context.math);
    for (Share* s : {&kernels[n.name], &shapes[title(n)], convolution_of(n) ? &convolutions[title(n)] : nullptr}) {
      if (!s) continue;
      s->calls += n.count;
      s->seconds += n.seconds;
      s->flops += static_cast<double>(n.count) * work.flops;
      s->bytes += static_cast<double>(n.count) * work.bytes;
    }
  }
  phases["other"] = (total - in_phases) / runs;
  out["seconds"] = total / runs;
  out["explained"] = in_kernels / total;
  out["phases"] = phases;
  out["kernels"] = listed(kernels, runs, context);
  out["convolutions"] = listed(convolutions, runs, context);
  out["longest"] = listed(shapes, runs, context, kLongest);
  return out;
}

std::string breakdown_text(const Json& b) {
  const double total = b.at("seconds");
  const auto line = [&](const std::string& name, double seconds, const std::string& more) {
    return fmt::format("  {:<62} {:>10.3f} ms {:>5.1f} %{}\n", name, seconds * 1e3, 100 * seconds / total, more);
  };
  std::string out = "phases\n";
  for (const auto& [name, seconds] : b.at("phases").items()) out += line(name, seconds, "");
  for (const char* part : {"kernels", "convolutions", "longest"}) {
    out += fmt::format("{}\n", std::string(part) == "longest" ? "the ten longest kernels" : part);
    for (const Json& k : b.at(part)) {
      const double seconds = k.at("seconds"), calls = k.at("calls");
      std::string more = fmt::format(" {:>7.6g} calls {:>9.2f} us each", calls, seconds / calls * 1e6);
      if (k.contains("flops")) more += fmt::format(" {:>9.1f} GFLOP/s", k.at("flops").get<double>() / seconds / 1e9);
      if (k.contains("of_peak"))
        more += fmt::format(" {:>3.0f} % of the peak ({})", 100 * k.at("of_peak").get<double>(),
                            k.at("bound").get<std::string>());
      out += line(k.at("name"), seconds, more);
    }
  }
  out += fmt::format("the listed kernels explain {:.1f} % of {:.3f} ms", 100 * b.at("explained").get<double>(),
                     total * 1e3);
  if (b.contains("empty_range_seconds"))
    out += fmt::format("; timed by events, of which a kernel's time contains about {:.2f} us",
                       b.at("empty_range_seconds").get<double>() * 1e6);
  return out + "\n";
}

}  // namespace temper::bench
