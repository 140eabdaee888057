#pragma once
#include <string>
#include <vector>

#include "workflows/report/run.h"

namespace TEMPER_API temper {

/// The one-page report of a run: accuracies, curves, example images, settings, environment, the command to repeat it.
std::string run_page(const RunReport& run);

/// The comparison of several runs: one table, their curves over each other, the same test images under attack for every
/// run, the settings that differ. `links` holds the address of every run's own page, or is empty.
std::string comparison_page(const std::string& title, const std::vector<RunReport>& runs,
                            const std::vector<std::string>& links = {});

}  // namespace temper
