#include "conversion.hpp"

#include <fmt/core.h>

#include "hub/catalogue.hpp"
#include "model/convert.hpp"
#include "progress.hpp"

namespace sw {

std::string file_type_names() {
  std::string names;
  for (const FileType& type : file_types()) names += (names.empty() ? "" : ", ") + std::string(type.name);
  return names;
}

Result<const FileType*> parse_file_type(const std::string& name) {
  if (const FileType* type = find_file_type(name)) return type;
  return fail(fmt::format("'{}' is no type of weights", name), {}, "one of " + file_type_names());
}

Result<Report> written_report(const std::filesystem::path& path, const std::string& type,
                              std::chrono::steady_clock::time_point start) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) return fail("the written file cannot be read", path.string());
  Report report;
  report.json = {{"path", path.string()}, {"bytes", bytes}, {"seconds", seconds}};
  if (!type.empty()) report.json["type"] = type;
  report.text = fmt::format("{}: {}{}{} in {:.1f} s\n", path.string(), human_bytes(bytes), type.empty() ? "" : " of ",
                            type, seconds);
  return report;
}

void add_conversion_flags(CLI::App& command, ConversionFlags& flags) {
  command.add_option("IN", flags.in, "GGUF file, Hugging Face folder or catalogue name")->required();
  command.add_option("OUT", flags.out, "GGUF file to write")->required();
  command.add_option("-t,--threads", flags.threads, "Threads (default: one per hardware thread)");
}

Result<Report> write_conversion(const ConversionFlags& flags, const char* verb) {
  const FileType* type = nullptr;
  if (!flags.type.empty()) {
    SW_ASSIGN(type, parse_file_type(flags.type));
  }
  SW_ASSIGN(const CatalogueEntry entry, find_model(flags.in));
  SW_ASSIGN(const OpenedCheckpoint opened, open_checkpoint(entry.path()));
  ThreadPool pool(flags.threads);
  const auto start = std::chrono::steady_clock::now();
  SW_TRY(convert(opened, flags.out, pool, {.type = type, .progress = write_progress(verb)}));
  return written_report(flags.out, type ? std::string(type->name) : std::string{}, start);
}

}  // namespace sw
