#include "bench/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "kernels/runtime/check.h"

namespace temper::bench {

const char* name(Verdict verdict) {
  switch (verdict) {
    case Verdict::faster: return "FASTER";
    case Verdict::same: return "SAME";
    case Verdict::slower: return "SLOWER";
    case Verdict::unsure: return "UNSURE";
    case Verdict::failed: return "FAILED";
  }
  return "?";
}

Verdict judge(const Interval& ratio, double min_effect) {
  const double slow = 1 + min_effect, fast = 1 / slow;
  if (ratio.lo > slow) return Verdict::slower;
  if (ratio.hi < fast) return Verdict::faster;
  return ratio.lo >= fast && ratio.hi <= slow ? Verdict::same : Verdict::unsure;
}

Comparison compare_samples(const std::vector<double>& base, const std::vector<double>& now, bool paired,
                           const CompareOptions& options) {
  Comparison c{.base = median(base)};
  if (paired) {
    TEMPER_CHECK(base.size() == now.size(), "paired samples: expected as many on both sides, got ", base.size(),
                 " and ", now.size());
    std::vector<double> ratios(base.size());
    for (size_t i = 0; i < base.size(); ++i) ratios[i] = now[i] / base[i];
    c.ratio = median(ratios);
    c.interval = median_interval(ratios, options.confidence);
  } else {
    const Interval a = median_interval(base, options.confidence), b = median_interval(now, options.confidence);
    c.ratio = median(now) / c.base;
    c.interval = {b.lo / a.hi, b.hi / a.lo};
  }
  // The range of n values misses the median of their distribution with probability 2^(1-n).
  const bool enough = std::ldexp(2, -static_cast<int>(std::min(base.size(), now.size()))) <= 1 - options.confidence;
  if (enough) c.verdict = judge(c.interval, options.min_effect);
  return c;
}

std::vector<Comparison> compare(const Report& base, const Report& now, const CompareOptions& options) {
  TEMPER_CHECK(base.suite == now.suite, "compare: expected two reports of one suite, got ", base.suite, " and ",
               now.suite);
  for (const char* key : {"cpu", "threads"})
    TEMPER_CHECK(options.any_machine || base.environment.value(key, Json()) == now.environment.value(key, Json()),
                 "compare: expected two reports from one machine, got ", key, " ",
                 base.environment.value(key, Json()).dump(), " and ", now.environment.value(key, Json()).dump(),
                 "; --any-machine compares them anyway");
  TEMPER_CHECK(base.environment.value("busy", 0) == now.environment.value("busy", 0),
               "compare: expected two reports with the same number of busy processes, got ",
               base.environment.value("busy", 0), " and ", now.environment.value("busy", 0));
  const bool paired = !base.session.empty() && base.session == now.session;
  std::map<std::string, const Result*> known;
  for (const Result& r : base.results) known[r.name] = &r;
  std::vector<Comparison> out;
  for (const Result& r : now.results) {
    const auto before = known.find(r.name);
    if (before == known.end() || !before->second->failed.empty()) continue;
    if (!r.failed.empty()) {
      out.push_back({.name = r.name, .verdict = Verdict::failed});
      continue;
    }
    for (const auto& [mode, t] : r.times) {
      const auto other = before->second->times.find(mode);
      if (mode == "unfused" || other == before->second->times.end()) continue;
      out.push_back(compare_samples(other->second.samples, t.samples, paired, options));
      out.back().name = r.name;
      out.back().mode = mode;
    }
  }
  TEMPER_CHECK(!out.empty(), "compare: the two reports have no case in common");
  return out;
}

std::string to_text(const std::vector<Comparison>& comparisons) {
  std::string out;
  std::map<Verdict, int> count;
  for (const Comparison& c : comparisons) {
    ++count[c.verdict];
    if (c.verdict == Verdict::failed) {
      out += fmt::format("{} {}\n", name(c.verdict), c.name);
      continue;
    }
    out += fmt::format("{:<6} {:+6.1f} %  ({:+.1f} to {:+.1f})  {} {}\n", name(c.verdict), 100 * (c.ratio - 1),
                       100 * (c.interval.lo - 1), 100 * (c.interval.hi - 1), c.name, c.mode);
  }
  out += fmt::format("{} slower, {} faster, {} the same, {} unsure{}\n", count[Verdict::slower], count[Verdict::faster],
                     count[Verdict::same], count[Verdict::unsure],
                     count[Verdict::failed] ? cat(", ", count[Verdict::failed], " failed") : "");
  return out;
}

}  // namespace temper::bench
