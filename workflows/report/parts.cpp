#include "workflows/report/parts.h"

#include <fmt/format.h>

#include <set>

#include "core/text.h"
#include "workflows/report/html.h"

namespace temper::report {

std::string shown(const std::string& label) {
  if (label == "clean") return "Natural";
  if (label == "cw") return "C&W";
  if (label.rfind("pgd", 0) == 0 && label.size() > 3 && std::isdigit(static_cast<unsigned char>(label[3])))
    return "PGD-" + label.substr(3);
  return printable(label);
}

std::string test_images_text(int64_t count, const std::optional<SetPart>& part) {
  if (!part) return grouped(count) + " test images";
  return fmt::format("{} of {} test images (drawn over the classes, seed {})", grouped(count), grouped(part->of),
                     part->seed);
}

std::string answer(const std::string& predicted, const std::string& truth, double confidence) {
  const bool right = predicted == truth;
  return fmt::format("<span class=\"{}\">{} {}</span><br/>{:.0f}&#160;%", right ? "right-answer" : "wrong-answer",
                     right ? "✓" : "✗", escape(predicted), 100 * confidence);
}

std::string image(const std::string& uri, const std::string& alternative) {
  return "<img src=\"" + escape(uri) + "\" alt=\"" + escape(alternative) + "\"/>";
}

std::string figure(const std::string& body, const std::string& caption) {
  if (body.empty()) return "";
  return "<figure>" + body + "<figcaption>" + escape(caption) + "</figcaption></figure>\n";
}

std::string attack_list(const std::vector<RunReport>& runs) {
  std::vector<std::pair<std::string, std::string>> attacks;
  std::set<std::string> seen;
  for (const RunReport& run : runs)
    for (const EvaluationRow& row : run.rows)
      if (row.label != "clean" && seen.insert(row.label + row.description).second)
        attacks.emplace_back(shown(row.label), row.description);
  return key_value_table("The attacks, with every parameter; pixels are in [0, 1].", attacks);
}

std::string zero_gradient_text(int64_t images, int64_t right, int64_t total) {
  if (images == 0) return "";
  return fmt::format(
      "{} of {} images ({:.1f} %) had a gradient of zero in a step of this attack, which cannot move them; {} of "
      "those count as correct, of which the attack says little",
      grouped(images), grouped(total), 100 * static_cast<double>(images) / static_cast<double>(total), grouped(right));
}

std::string doubt_of(const EvaluationRow& row) {
  return zero_gradient_text(row.zero_gradient, row.zero_gradient_right, row.total);
}

std::vector<std::string> doubts_of(const RunReport& run) {
  std::vector<std::string> out;
  for (const EvaluationRow& row : run.rows)
    if (const std::string text = doubt_of(row); !text.empty()) out.push_back(shown(row.label) + ": " + text + ".");
  return out;
}

std::string doubts(const std::vector<RunReport>& runs) {
  std::string out;
  for (const RunReport& run : runs)
    for (const std::string& doubt : doubts_of(run))
      out += "<p class=\"doubt\"><strong>Warning:</strong> " +
             escape((runs.size() > 1 ? run.name + ", " : "") + doubt) + "</p>\n";
  return out;
}

std::string nrr_note(const std::string& attack) {
  if (attack.empty()) return "";
  return "<p class=\"soft\">NRR, the natural-robust ratio, is the harmonic mean 2 · Nat · Rob / (Nat + Rob), with Rob the "
         "accuracy under " +
         escape(shown(attack)) + ".</p>\n";
}

}  // namespace temper::report
