#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "commands.hpp"
#include "model/file_type.hpp"

namespace sw {

/// "F32, F16, BF16, …"
std::string file_type_names();
Result<const FileType*> parse_file_type(const std::string& name);

/// IN OUT [TYPE] of the commands that write a checkpoint anew.
struct ConversionFlags {
  std::string in, out, type;  ///< no type: tensors keep theirs
  int threads = 0;
};
void add_conversion_flags(CLI::App& command, ConversionFlags& flags);
Result<Report> write_conversion(const ConversionFlags& flags, const char* verb);

/// What convert, quantize and synth report: the file, its size and how long it took.
Result<Report> written_report(const std::filesystem::path& path, const std::string& type,
                              std::chrono::steady_clock::time_point start);

}  // namespace sw
