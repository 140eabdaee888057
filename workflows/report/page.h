#pragma once
#include <string>
#include <vector>

#include "workflows/report/run.h"

namespace TEMPER_API temper {

/// The one-page report of a run: accuracies, curves, example images, settings, environment, and the command to repeat
/// it.
std::string run_page(const RunReport& run);

/// The comparison of several runs: one table, their curves in one chart, the same test images under attack for every
/// run, and the settings that differ. `links` has the address of every run's report, or is empty.
std::string comparison_page(const std::string& title, const std::vector<RunReport>& runs,
                            const std::vector<std::string>& links = {});

}  // namespace temper
