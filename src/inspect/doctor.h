#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "e5v/embedder.h"

namespace e5v::inspect {

/// One thing that was looked at.
struct Check {
  std::string name;
  bool ok = false;
  std::string detail;  ///< what was found, or what is wrong
};

/// Takes each check as soon as it is done: some take minutes on a large model.
using ReportCheck = std::function<void(const Check&)>;

/// Runs one check: `look` gives the detail, or throws what is wrong. False when it threw.
bool run_check(const std::string& name, const ReportCheck& report, const std::function<std::string()>& look);

/// Processor, instruction sets, GPU, memory. A device as LoadOptions has it; with cpu no GPU is opened.
void check_machine(const std::string& device, const ReportCheck& report);

/// A model folder file by file, all weights for NaN, and whether it embeds a sentence alone as in a batch. Checks that
/// depend on a failed one are left out.
void check_model(const std::filesystem::path& folder, const LoadOptions& options, const ReportCheck& report);

}  // namespace e5v::inspect
