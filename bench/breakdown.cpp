#include "bench/breakdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "bench/network.h"

namespace temper::bench {

namespace {

struct Share {
  int64_t calls = 0;
  double seconds = 0, flops = 0;
};

bool is_convolution(const RangeLog::Node& n) { return n.extents.size() == 9 && n.name.rfind("conv2d", 0) == 0; }

double flops_of(const ConvShape& g) {
  return 2.0 * static_cast<double>(g.n * g.p() * g.q() * g.k) * static_cast<double>(g.r * g.s * g.c);
}

std::string title(const ConvShape& g) {
  return fmt::format("n{} {}x{}x{}-{} {}x{}{}", g.n, g.h, g.w, g.c, g.k, g.r, g.s,
                     g.stride == 1 ? "" : fmt::format(" stride {}", g.stride));
}

using Shares = std::map<std::string, Share>;

Json listed(const Shares& shares, int runs) {
  std::vector<std::pair<std::string, Share>> all(shares.begin(), shares.end());
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  Json out = Json::array();
  for (const auto& [name, s] : all) {
    out.push_back({{"name", name}, {"calls", static_cast<double>(s.calls) / runs}, {"seconds", s.seconds / runs}});
    if (s.flops > 0) out.back()["flops"] = s.flops / runs;
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

}  // namespace

Json breakdown(RangeLog& log, int runs, const std::function<void()>& run) {
  run();
  log.clear();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < runs; ++i) run();
  const double total = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  const std::vector<RangeLog::Node>& nodes = log.nodes();
  Shares kernels, convolutions;
  std::map<std::string, double> phases;
  double in_kernels = 0, in_phases = 0;
  for (int i = 1; i < static_cast<int>(nodes.size()); ++i) {
    const RangeLog::Node& n = nodes[i];
    if (phase_of(nodes, i) != "other" && phase_of(nodes, n.parent) == "other") {
      phases[phase_of(nodes, i)] += n.seconds / runs;
      in_phases += n.seconds;
    }
    if (n.kind != RangeKind::kernel || inside_kernel(nodes, i)) continue;
    in_kernels += n.seconds;
    for (Share* s :
         {&kernels[n.name], is_convolution(n) ? &convolutions[n.name + " " + title(conv_of(n.extents))] : nullptr}) {
      if (!s) continue;
      s->calls += n.count;
      s->seconds += n.seconds;
      if (is_convolution(n)) s->flops += static_cast<double>(n.count) * flops_of(conv_of(n.extents));
    }
  }
  phases["other"] = (total - in_phases) / runs;
  return {{"seconds", total / runs},
          {"explained", in_kernels / total},
          {"phases", phases},
          {"kernels", listed(kernels, runs)},
          {"convolutions", listed(convolutions, runs)}};
}

std::string breakdown_text(const Json& b, const Json& peaks, const std::string& type) {
  const double total = b.at("seconds");
  const double peak = peaks.contains(type) ? peaks.at(type).at("flops_per_second").get<double>() : 0;
  const auto line = [&](const std::string& name, double seconds, const std::string& more) {
    return fmt::format("  {:<62} {:>10.3f} ms {:>5.1f} %{}\n", name, seconds * 1e3, 100 * seconds / total, more);
  };
  std::string out = "phases\n";
  for (const auto& [name, seconds] : b.at("phases").items()) out += line(name, seconds, "");
  for (const char* part : {"kernels", "convolutions"}) {
    out += fmt::format("{}\n", part);
    for (const Json& k : b.at(part)) {
      std::string more = fmt::format(" {:>7.6g} calls", k.at("calls").get<double>());
      if (k.contains("flops")) {
        const double rate = k.at("flops").get<double>() / k.at("seconds").get<double>();
        more += fmt::format(" {:>7.1f} GFLOP/s", rate / 1e9);
        if (peak > 0) more += fmt::format(" {:>3.0f} % of the peak", 100 * rate / peak);
      }
      out += line(k.at("name"), k.at("seconds"), more);
    }
  }
  return out + fmt::format("the listed kernels explain {:.1f} % of {:.3f} ms\n", 100 * b.at("explained").get<double>(),
                           total * 1e3);
}

}  // namespace temper::bench
