#pragma once

#include <string>

namespace sw {

/// Tells model files apart in the history: SHA-256 over the size and 64 evenly spread pieces of the file, so that it
/// takes a moment whatever the size; of a folder, over its files. Empty where there is no such model.
std::string model_fingerprint(const std::string& model);

}  // namespace sw
