#pragma once
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/cli.h"
#include "data/published/fingerprint.h"
#include "trainers/records/test_evaluation.h"
#include "workflows/report/examples.h"

namespace temper {

/// What was measured of one network on a test split.
struct Results {
  std::string method, model, data, device, weights;
  std::string weights_fingerprint;  ///< of the network's numbers
  std::string precision;            ///< that attacks and predictions were computed in
  std::vector<double> mean, std;    ///< the network's normalisation; empty: none
  int64_t images_test = 0;
  SetFingerprint test;               ///< of the images measured
  std::optional<SetPart> part = {};  ///< which part of the test split they are; none: all of it
  std::vector<TestRow> rows;         ///< the first is "clean"
  std::string example_attack;
  Examples examples;
};

/// The attack that NRR is computed with: the one labelled "cw", as in the field's tables, else the one that breaks
/// most; null where no attack was run.
const TestRow* nrr_row(const std::vector<TestRow>& rows);

/// What makes a row's number doubtful, in a sentence; empty: nothing.
std::string doubt_of(const TestRow& row);

/// The content of evaluation.json and examples.json, without what only training knows.
nlohmann::ordered_json results_json(const Results& results);
nlohmann::ordered_json examples_json(const Results& results);

/// The table that ends `temper train` and `temper eval`.
void print_results(Session& session, const Results& results);

/// JSON as it is written to files. Names of files and classes need not be UTF-8, but JSON is: what is not becomes
/// U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

/// Writes a file whole or not at all; makes its folder.
void write_text(const std::string& file, const std::string& text);

}  // namespace temper
