#include "workflows/report/page.h"

#include <fmt/format.h>

#include "core/text.h"
#include "workflows/report/html.h"
#include "workflows/report/parts.h"
#include "workflows/report/svg.h"

namespace temper {

namespace {

using namespace report;

std::string tile(const std::string& name, double percent, int color) {
  return fmt::format(
      "<div class=\"tile\"><dt>{}</dt><dd class=\"b{}\">{:.2f}<small> %</small>"
      "<span class=\"meter\"><i style=\"width:{:.1f}%\"></i></span></dd></div>\n",
      escape(name), color, percent, percent);
}

std::string tiles(const RunReport& run) {
  std::string out = "<dl class=\"tiles\">\n";
  for (const EvaluationRow& row : run.rows) out += tile(shown(row.label), row.percent, &row == run.rows.data() ? 0 : 1);
  if (!std::isnan(run.nrr)) out += tile("NRR", run.nrr, 3);
  return out + "</dl>\n";
}

std::string results(const RunReport& run) {
  const std::string caption =
      fmt::format("Accuracy in percent on {}, which neither training nor selection has seen; ± is the 95 % interval.",
                  test_images_text(run.images_test, run.part));
  std::string out =
      "<thead><tr><th scope=\"col\">Images</th><th scope=\"col\">Accuracy</th>"
      "<th scope=\"col\" class=\"num\">±</th><th scope=\"col\" class=\"num\">Right</th>"
      "<th scope=\"col\" class=\"num\">Time</th></tr></thead>\n<tbody>\n";
  for (const EvaluationRow& row : run.rows)
    out += fmt::format(
        "<tr><th scope=\"row\">{}</th>{}<td class=\"num\">{:.2f}</td><td class=\"num\">{} of {}</td>"
        "<td class=\"num\">{}</td></tr>\n",
        escape(shown(row.label)), bar_cell(row.percent, &row == run.rows.data() ? 0 : 1), row.half_width(),
        grouped(row.correct), grouped(row.total), duration(row.seconds));
  if (!std::isnan(run.nrr))
    out += fmt::format("<tr><th scope=\"row\">NRR</th>{}<td></td><td></td><td></td></tr>\n", bar_cell(run.nrr, 3));
  return captioned_table(caption, out + "</tbody>") + doubts({run}) +
         nrr_note(std::isnan(run.nrr) ? "" : run.nrr_attack) + attack_list({run});
}

std::string curves(const RunReport& run) {
  Series loss{"loss", 2, {}}, clean{"clean", 0, {}}, robust{"robust", 1, {}};
  constexpr size_t kLabelLength = sizeof "EMA robust" - 1;  // side by side, at one scale
  using Stroke = Series::Stroke;
  Series ema_clean{"EMA clean", 0, {}, Stroke::dashed}, ema_robust{"EMA robust", 1, {}, Stroke::dashed},
      swa_clean{"SWA clean", 0, {}, Stroke::dotted}, swa_robust{"SWA robust", 1, {}, Stroke::dotted};
  for (const EpochRow& e : run.curve) {
    const auto x = static_cast<double>(e.epoch);
    loss.points.emplace_back(x, e.train_loss);
    for (const auto& [series, y] : {std::pair{&clean, e.clean},
                                    {&robust, e.robust},
                                    {&ema_clean, e.ema_clean},
                                    {&ema_robust, e.ema_robust},
                                    {&swa_clean, e.swa_clean},
                                    {&swa_robust, e.swa_robust}})
      if (std::isfinite(y)) series->points.emplace_back(x, y);
  }
  const std::string left = line_chart({.title = "Accuracy on the validation images per epoch, in percent",
                                       .x_label = "epoch",
                                       .y_label = "accuracy",
                                       .series = {clean, robust, ema_clean, ema_robust, swa_clean, swa_robust},
                                       .y_range = std::pair{0.0, 100.0},
                                       .unit = "%",
                                       .label_length = kLabelLength});
  const std::string right = line_chart({.title = "Training loss per epoch",
                                        .x_label = "epoch",
                                        .y_label = "loss",
                                        .series = {loss},
                                        .label_length = kLabelLength});
  if (left.empty() && right.empty()) return "";
  return "<div class=\"charts\">" +
         figure(left,
                "Accuracy on images held out of the training split, as they are and under the validation attack.") +
         figure(right, "Training loss: the method's own objective, mean over the epoch.") + "</div>\n";
}

std::string examples(const RunReport& run) {
  if (run.examples.images.empty()) return "";
  std::string out = fmt::format(
      "<p class=\"soft\">The first test images, before and after {}; the difference is amplified "
      "{:g} times around grey. Percentages are the network's confidence.</p>\n<div class=\"examples\">\n",
      escape(shown(run.examples.attack)), run.examples.gain);
  for (const Example& e : run.examples.images) {
    out += "<div class=\"example\"><h3>" + escape(e.truth) + "</h3><div class=\"triple\">";
    out += "<figure>" + image(e.clean, e.truth + ", clean") + "<figcaption>clean<br/>" +
           answer(e.clean_label, e.truth, e.clean_confidence) + "</figcaption></figure>";
    out += "<figure>" + image(e.attacked, e.truth + ", attacked") + "<figcaption>attacked<br/>" +
           answer(e.attacked_label, e.truth, e.attacked_confidence) + "</figcaption></figure>";
    out += "<figure>" + image(e.difference, "amplified difference") +
           fmt::format("<figcaption>difference<br/>× {:g}</figcaption></figure></div></div>\n", run.examples.gain);
  }
  return out + "</div>\n";
}

// Where another epoch than the last was best, which is what the weights `best` are of.
std::string best_epoch(const RunReport& run) {
  const EpochRow* best = nullptr;
  for (const EpochRow& e : run.curve)
    if (std::isfinite(e.robust) && (!best || e.robust > best->robust)) best = &e;
  const double last = run.curve.empty() ? double{NAN} : run.curve.back().robust;
  if (!best || !(last < best->robust)) return "";
  return fmt::format(" · robust validation accuracy was best in epoch {}: {:.2f} %, after the last one {:.2f} %",
                     best->epoch, best->robust, last);
}

}  // namespace

std::string run_page(const RunReport& run) {
  const std::string title = run.method + " on " + run.data;
  std::string about = fmt::format("Run {} · {} · {} training images · {}", escape(run.name), escape(run.model),
                                  grouped(run.training.images_train), counted(run.training.epochs, "epoch"));
  if (run.training.seconds > 0) about += " · trained in " + duration(run.training.seconds);
  if (!run.device.empty()) about += " on " + escape(run.device);
  if (!run.training.outcome.empty() && run.training.outcome != "finished")
    about += " · ended by " + escape(run.training.outcome);
  about += best_epoch(run);
  std::string body =
      "<header><h1>" + escape(title) + "</h1>\n<p class=\"soft\">" + about + "</p></header>\n" + tiles(run);
  body += section("Accuracy", results(run));
  body += section("Training", curves(run));
  body += section("Examples", examples(run));
  std::string again = "<p>The same bits, on the same machine with the same number of threads:</p>\n<pre>" +
                      escape(run.command) + "</pre>\n";
  body += section("Repeat it", run.command.empty() ? "" : again);
  body += section("Settings", run.config.empty()
                                  ? ""
                                  : "<details open=\"open\"><summary>config.yaml, every key resolved</summary><pre>" +
                                        escape(run.config) + "</pre></details>\n");
  body += section("Environment", key_value_table("Where it ran.", run.environment));
  return html_page(run.name + ": " + title + " · Temper", body);
}

}  // namespace temper
