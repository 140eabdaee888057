#pragma once
// Parts of both the page of one run and the comparison of several.
#include <string>
#include <vector>

#include "workflows/report/run.h"

namespace temper::report {

/// The heading for a label of the results: "Natural" for "clean", "PGD-20" for "pgd20", "C&W" for "cw".
std::string shown(const std::string& label);
/// "2,000 test images", "500 of 10,000 test images (drawn over the classes, seed 0)"
std::string test_images_text(int64_t count, const std::optional<SetPart>& part);
/// "sneaker 83 %" in the colour, and with the sign, of a right or wrong answer.
std::string answer(const std::string& predicted, const std::string& truth, double confidence);
std::string image(const std::string& uri, const std::string& alternative);
/// <figure> with a caption; "" without a body.
std::string figure(const std::string& body, const std::string& caption);
/// The attacks of these runs with all their parameters, each named once.
std::string attack_list(const std::vector<RunReport>& runs);
/// A warning about an attack whose gradient was zero for some images, "12 of 500 images (2.4 %) had no gradient ...";
/// "" if there are none.
std::string zero_gradient_text(int64_t images, int64_t right, int64_t total);
/// The same for a row.
std::string doubt_of(const EvaluationRow& row);
/// The warnings of a run's rows: "PGD-20: 12 of 500 images ...".
std::vector<std::string> doubts_of(const RunReport& run);
/// The warnings of all rows of these runs; "" if there are none.
std::string doubts(const std::vector<RunReport>& runs);
/// An explanation of NRR with the attack it is computed with; "" without an attack.
std::string nrr_note(const std::string& attack);

}  // namespace temper::report
