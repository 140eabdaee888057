#include "bench/result.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "core/files/json.h"
#include "core/text.h"
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
          {"sample", t.how},
          {"samples", t.samples}};
}

Json head(const Report& report) {
  return {{"schema", kSchema},         {"program", "temper-bench"},         {"suite", report.suite},
          {"session", report.session}, {"environment", report.environment}, {"peaks", report.peaks},
          {"results", Json::array()}};
}

Json to_json(const Result& r) {
  Json times = Json::object();
  for (const auto& [mode, t] : r.times) times[mode] = to_json(t);
  Json j{{"name", r.name}, {"axes", r.axes}, {"bytes", r.bytes}, {"flops", r.flops}, {"weight", r.weight}};
  j["bound"] = r.limit.bound;
  j["limit_seconds"] = r.limit.seconds;
  if (!r.unfused.empty()) j["unfused"] = r.unfused;
  if (!r.failed.empty()) j["failed"] = r.failed;
  j["times"] = times;
  j["extra"] = r.extra;
  return j;
}

Result result_from(const Json& j) {
  Result r{.name = j.at("name"), .axes = j.at("axes").get<Axes>(), .bytes = j.at("bytes"), .flops = j.at("flops")};
  r.weight = j.at("weight");
  r.limit = {j.at("bound"), j.at("limit_seconds")};
  r.unfused = j.value("unfused", "");
  r.failed = j.value("failed", "");
  for (const auto& [mode, t] : j.at("times").items()) {
    r.times[mode] = {t.at("samples").get<std::vector<double>>(), t.at("stopped"), t.value("sample", "")};
    TEMPER_CHECK(!r.times[mode].samples.empty(), r.name, " has no samples");
    for (const double s : r.times[mode].samples) TEMPER_CHECK(s > 0, r.name, " has a sample of ", s, " seconds");
  }
  TEMPER_CHECK(!r.times.empty() || !r.failed.empty(), r.name, " has no times");
  r.extra = j.at("extra");
  return r;
}

std::string duration(double s) {
  if (s < 1e-3) return fmt::format("{:.4g} us", s * 1e6);
  return s < 1 ? fmt::format("{:.4g} ms", s * 1e3) : fmt::format("{:.4g} s", s);
}

/// Above 100 % a case has done what the probes say cannot be done: that is said, not hidden.
std::string of_peak(double share) { return fmt::format("{:.0f} %{}", 100 * share, share > 1 ? " (!)" : ""); }
std::string rate(double per_second) { return per_second > 0 ? fmt::format("{:.4g}", per_second / 1e9) : ""; }

using Row = std::vector<std::string>;

/// The columns of the tables people read.
std::vector<Row> table(const Report& report) {
  std::vector<Row> rows{
      {"case", "time", "p5", "p95", "noise", "n", "hot", "GB/s", "GFLOP/s", "bound", "of peak", "unfused"}};
  for (const Result& r : report.results) {
    if (!r.failed.empty()) {
      rows.push_back({r.name, "failed: " + r.failed});
      continue;
    }
    const auto hot = r.times.find("hot"), unfused = r.times.find("unfused");
    const Timing& t = r.main();
    const double s = t.median();
    Row row{r.name,
            duration(s),
            duration(quantile(t.samples, 0.05)),
            duration(quantile(t.samples, 0.95)),
            noise_text(t),
            std::to_string(t.samples.size())};
    row.push_back(hot == r.times.end() || &hot->second == &t ? "" : duration(hot->second.median()));
    row.insert(row.end(), {rate(r.bytes / s), rate(r.flops / s), r.limit.bound});
    row.push_back(r.limit.seconds > 0 ? of_peak(r.limit.seconds / s) : "");
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

std::string noise_text(const Timing& t) {
  return t.samples.size() == 1 ? "one sample" : fmt::format("{:.1f} %", 100 * t.noise());
}

std::vector<std::string> failures(const Report& report) {
  std::vector<std::string> names;
  for (const Result& r : report.results)
    if (!r.failed.empty()) names.push_back(r.name);
  return names;
}

Json to_json(const Report& report) {
  Json j = head(report);
  for (const Result& r : report.results) j["results"].push_back(to_json(r));
  return j;
}

void GrowingJson::add(const Result& result) { results_.push_back(to_json(result).dump(1)); }

std::string GrowingJson::text(const Report& report, const std::string& running) const {
  std::vector<std::string> results = results_;
  if (!running.empty())
    results.push_back(to_json(Result{.name = running, .failed = "the program ended while this case ran"}).dump(1));
  // "results" comes last, and is empty.
  std::string text = head(report).dump(1);
  text.resize(text.rfind('[') + 1);
  return text + "\n" + join(results, ",\n") + "\n ]\n}\n";
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
  const Json j = try_json<Json>(std::string(std::istreambuf_iterator<char>(in), {}));
  TEMPER_CHECK(!j.is_discarded(), file, ": expected a report that temper-bench wrote with --json: this is not JSON");
  return report_from_json(j, file);
}

void write_file(const std::string& file, const std::string& text) {
  const std::string beside = file + ".part";
  std::ofstream out(beside);
  out << text;
  out.close();
  TEMPER_CHECK(out, file, ": cannot be written");
  std::filesystem::rename(beside, file);
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
  const std::vector<Row> rows = table(report);
  const size_t width = rows[0].size();
  for (const Row& row : rows) {
    out += "|";
    for (size_t i = 0; i < width; ++i) out += i < row.size() ? " " + row[i] + " |" : " |";
    out += "\n";
    if (std::exchange(head, false)) {
      out += "|";
      for (size_t i = 0; i < width; ++i) out += i == 0 ? "---|" : "---:|";
      out += "\n";
    }
  }
  return out;
}

std::string to_text(const Report& report) {
  const std::vector<Row> rows = table(report);
  std::vector<size_t> width(rows[0].size());
  // What failed has two cells; the reason may be as long as it likes.
  for (const Row& row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      if (i == 0 || row.size() == width.size()) width[i] = std::max(width[i], row[i].size());
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
