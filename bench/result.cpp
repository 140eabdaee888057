#include "bench/result.h"

#include <fmt/format.h>

#include <fstream>

#include "kernels/runtime/check.h"

namespace temper::bench {

namespace {

constexpr int kSchema = 1;

Json to_json(const Timing& t) {
  return {{"n", t.samples.size()},
          {"median", t.median()},
          {"p5", quantile(t.samples, 0.05)},
          {"p95", quantile(t.samples, 0.95)},
          {"noise", t.noise()},
          {"stopped", t.stopped},
          {"samples", t.samples}};
}

Json to_json(const Result& r) {
  Json times = Json::object();
  for (const auto& [mode, t] : r.times) times[mode] = to_json(t);
  Json j{{"name", r.name}, {"axes", r.axes}, {"bytes", r.bytes}, {"flops", r.flops}, {"weight", r.weight}};
  j["bound"] = r.limit.bound;
  j["limit_seconds"] = r.limit.seconds;
  if (!r.unfused.empty()) j["unfused"] = r.unfused;
  j["times"] = times;
  j["extra"] = r.extra;
  return j;
}

Result result_from(const Json& j) {
  Result r{.name = j.at("name"), .axes = j.at("axes").get<Axes>(), .bytes = j.at("bytes"), .flops = j.at("flops")};
  r.weight = j.at("weight");
  r.limit = {j.at("bound"), j.at("limit_seconds")};
  r.unfused = j.value("unfused", "");
  for (const auto& [mode, t] : j.at("times").items()) {
    r.times[mode] = {t.at("samples").get<std::vector<double>>(), t.at("stopped")};
    TEMPER_CHECK(!r.times[mode].samples.empty(), r.name, " has no samples");
    for (const double s : r.times[mode].samples) TEMPER_CHECK(s > 0, r.name, " has a sample of ", s, " seconds");
  }
  TEMPER_CHECK(!r.times.empty(), r.name, " has no times");
  r.extra = j.at("extra");
  return r;
}

std::string duration(double s) {
  if (s < 1e-3) return fmt::format("{:.4g} us", s * 1e6);
  return s < 1 ? fmt::format("{:.4g} ms", s * 1e3) : fmt::format("{:.4g} s", s);
}

std::string percent(double share) { return fmt::format("{:.0f} %", 100 * share); }
std::string rate(double per_second) { return per_second > 0 ? fmt::format("{:.4g}", per_second / 1e9) : ""; }

using Row = std::vector<std::string>;

/// The columns of the tables people read.
std::vector<Row> table(const Report& report) {
  std::vector<Row> rows{
      {"case", "time", "p5", "p95", "noise", "n", "hot", "GB/s", "GFLOP/s", "bound", "of peak", "unfused"}};
  for (const Result& r : report.results) {
    const auto hot = r.times.find("hot"), unfused = r.times.find("unfused");
    const Timing& t = r.main();
    const double s = t.median();
    Row row{r.name,
            duration(s),
            duration(quantile(t.samples, 0.05)),
            duration(quantile(t.samples, 0.95)),
            fmt::format("{:.1f} %", 100 * t.noise()),
            std::to_string(t.samples.size())};
    row.push_back(hot == r.times.end() || &hot->second == &t ? "" : duration(hot->second.median()));
    row.insert(row.end(), {rate(r.bytes / s), rate(r.flops / s), r.limit.bound});
    row.push_back(r.limit.seconds > 0 ? percent(r.limit.seconds / s) : "");
    row.push_back(unfused == r.times.end() ? "" : fmt::format("{:.2f}x ({})", unfused->second.median() / s, r.unfused));
    rows.push_back(row);
  }
  return rows;
}

}  // namespace

const Timing& Result::main() const {
  const auto cold = times.find("cold");
  return cold != times.end() ? cold->second : times.begin()->second;
}

Json to_json(const Report& report) {
  Json results = Json::array();
  for (const Result& r : report.results) results.push_back(to_json(r));
  return {{"schema", kSchema},         {"program", "temper-bench"},         {"suite", report.suite},
          {"session", report.session}, {"environment", report.environment}, {"peaks", report.peaks},
          {"results", results}};
}

Report report_from_json(const Json& j, const std::string& where) {
  try {
    TEMPER_CHECK(j.value("program", "") == "temper-bench", "it does not say \"program\": \"temper-bench\"");
    TEMPER_CHECK(j.at("schema") == kSchema, "its schema is ", j.at("schema").dump(), ", this program reads ", kSchema);
    Report r{.suite = j.at("suite"), .session = j.at("session"), .environment = j.at("environment")};
    r.peaks = j.at("peaks");
    for (const Json& one : j.at("results")) r.results.push_back(result_from(one));
    return r;
  } catch (const std::exception& e) {
    fail(where, ": expected a report that temper-bench wrote with --json: ", e.what());
  }
}

Report read_report(const std::string& file) {
  std::ifstream in(file);
  TEMPER_CHECK(in, file, ": cannot be read");
  const Json j = Json::parse(in, nullptr, false);
  TEMPER_CHECK(!j.is_discarded(), file, ": expected a report that temper-bench wrote with --json: this is not JSON");
  return report_from_json(j, file);
}

void write_file(const std::string& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  TEMPER_CHECK(out.flush(), file, ": cannot be written");
}

std::string to_csv(const Report& report) {
  std::string out = "name,mode,n,median,p5,p95,noise,bytes,flops,bound,limit_seconds,weight\n";
  for (const Result& r : report.results)
    for (const auto& [mode, t] : r.times)
      out += fmt::format("\"{}\",{},{},{:.9g},{:.9g},{:.9g},{:.4g},{:.9g},{:.9g},{},{:.9g},{}\n", r.name, mode,
                         t.samples.size(), t.median(), quantile(t.samples, 0.05), quantile(t.samples, 0.95), t.noise(),
                         r.bytes, r.flops, r.limit.bound, r.limit.seconds, r.weight);
  return out;
}

std::string to_markdown(const Report& report) {
  std::string out;
  bool head = true;
  for (const Row& row : table(report)) {
    out += "| ";
    for (const std::string& cell : row) out += cell + " | ";
    out.back() = '\n';
    if (std::exchange(head, false)) {
      out += "|";
      for (size_t i = 0; i < row.size(); ++i) out += i == 0 ? "---|" : "---:|";
      out += "\n";
    }
  }
  return out;
}

std::string to_text(const Report& report) {
  const std::vector<Row> rows = table(report);
  std::vector<size_t> width(rows[0].size());
  for (const Row& row : rows)
    for (size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  std::string out;
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i)
      if (width[i] > 0)
        out += i == 0 ? fmt::format("{:<{}}", row[i], width[i]) : fmt::format("  {:>{}}", row[i], width[i]);
    out += "\n";
  }
  return out;
}

}  // namespace temper::bench
