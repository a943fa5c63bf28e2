#include <fmt/core.h>

#include <memory>
#include <string>

#include "commands.hpp"
#include "hub/catalogue.hpp"
#include "hub/download.hpp"
#include "hub/repository.hpp"
#include "progress.hpp"
#include "progress_line.hpp"

namespace sw {
namespace {

struct PullFlags {
  std::string repository, file, revision = "main";
};

Result<Report> pull(const PullFlags& flags) {
  const Hub hub = Hub::from_environment();
  SW_TRY(check_repository(flags.repository));
  SW_ASSIGN(const auto folder, models_folder());
  SW_ASSIGN(const auto listed, list_files(hub, flags.repository, flags.revision));
  SW_ASSIGN(const auto chosen, choose_files(listed, flags.file));

  Report report;
  report.json = {{"repository", flags.repository}, {"files", nlohmann::ordered_json::array()}};
  ProgressLine progress;
  DownloadOptions options{
      .repository = flags.repository,
      .revision = flags.revision,
      .folder = folder / flags.repository,
      .on_progress = [&](const RemoteFile& file, std::uint64_t done) {
        progress.show(fmt::format("{}  {} of {}", file.path, human_bytes(done), human_bytes(file.size)));
      }};
  for (const RemoteFile& file : chosen) {
    SW_ASSIGN(const auto path, download(hub, file, options));
    progress.finish(fmt::format("{}  {}, checked", file.path, human_bytes(file.size)));
    report.json["files"].push_back({{"path", path.string()}, {"bytes", file.size}});
  }
  report.text = fmt::format("In {}\nTry: speedwins run {} -p \"Hello\"\n", options.folder.string(), flags.repository);
  return report;
}

}  // namespace

void add_pull_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<PullFlags>();
  CLI::App* command = app.add_subcommand("pull", "Fetch a model from a Hugging Face hub");
  command->add_option("REPOSITORY", flags->repository, "owner/name")->required();
  command->add_option("--file", flags->file, "This file of it (default: a small quantization, or the safetensors)");
  command->add_option("--revision", flags->revision, "Branch, tag or commit")->capture_default_str();
  command->footer(
      "Files are checked against the hub's checksums; an interrupted download goes on where it ended. They are kept "
      "in\n"
      "$XDG_DATA_HOME/speedwins/models (~/.local/share by default). HF_TOKEN gives access to gated models, "
      "HF_ENDPOINT\n"
      "or SPEEDWINS_HUB names another hub.\n"
      "\n"
      "Examples:\n"
      "  speedwins pull Qwen/Qwen2.5-0.5B-Instruct-GGUF\n"
      "  speedwins pull HuggingFaceTB/SmolLM2-135M-Instruct\n"
      "  speedwins run Qwen/Qwen2.5-0.5B-Instruct-GGUF -p \"Hello\"");
  on_command(*command, context, [flags] { return pull(*flags); });
}

}  // namespace sw
