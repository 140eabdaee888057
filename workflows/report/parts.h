#pragma once
// What the page of one run and the comparison of several share.
#include <string>
#include <vector>

#include "workflows/report/run.h"

namespace temper::report {

/// How a label of the results reads in a table's head: "clean" is "Natural", "pgd20" is "PGD-20", "cw" is "C&W".
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
/// "12 of 500 images (2.4 %) had no gradient ...": what makes an attack's number doubtful; "" where all had one.
std::string zero_gradient_text(int64_t images, int64_t right, int64_t total);
/// The same of a row.
std::string doubt_of(const EvaluationRow& row);
/// For each row of a run whose number is doubtful: "PGD-20: 12 of 500 images ...".
std::vector<std::string> doubts_of(const RunReport& run);
/// Warnings about all rows of these runs whose numbers are doubtful; "" where none is.
std::string doubts(const std::vector<RunReport>& runs);
/// What NRR means here, with the attack it is computed with; "" without one.
std::string nrr_note(const std::string& attack);

}  // namespace temper::report
