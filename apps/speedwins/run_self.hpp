#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace sw {

/// Asked every tenth of a second, with the seconds gone by, whether to go on.
using GoOn = std::function<bool(double seconds)>;

/// Runs this program again with `arguments` and --json, and returns the document that it printed; its error where it
/// failed. It is ended when `go_on` says no, or after five minutes. No shell is involved.
Result<nlohmann::json> run_self(const std::vector<std::string>& arguments, const GoOn& go_on);

}  // namespace sw
