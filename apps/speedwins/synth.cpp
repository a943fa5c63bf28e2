#include "model/synth.hpp"

#include <fmt/core.h>

#include <chrono>
#include <memory>
#include <string>

#include "commands.hpp"
#include "conversion.hpp"
#include "progress.hpp"

namespace sw {
namespace {

struct SynthFlags {
  std::string shape, out, type;
  std::uint64_t seed = 0;
  int threads = 0;
};

std::string shape_names() {
  std::string names;
  for (const ModelShape& shape : model_shapes()) names += (names.empty() ? "" : ", ") + std::string(shape.name);
  return names;
}

Result<Report> write(const SynthFlags& flags) {
  const ModelShape* shape = find_model_shape(flags.shape);
  if (!shape) return fail(fmt::format("there is no shape '{}'", flags.shape), {}, "one of " + shape_names());
  SW_ASSIGN(const FileType* type, parse_file_type(flags.type));
  ThreadPool pool(flags.threads);
  const auto start = std::chrono::steady_clock::now();
  SW_TRY(synth(*shape, flags.out, pool, {.type = type, .seed = flags.seed, .progress = write_progress("writing")}));
  return written_report(flags.out, std::string(type->name), start);
}

}  // namespace

void add_synth_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<SynthFlags>();
  flags->type = "F16";
  CLI::App* command = app.add_subcommand("synth", "Random weights at the exact shape of a published model");
  command->add_option("SHAPE", flags->shape, shape_names())->required();
  command->add_option("-o,--output", flags->out, "GGUF file to write")->required();
  command->add_option("--quant", flags->type, "Type of the weights: " + file_type_names())->capture_default_str();
  command->add_option("--seed", flags->seed, "The same seed gives the same file on every machine")
      ->capture_default_str();
  command->add_option("-t,--threads", flags->threads, "Threads (default: one per hardware thread)");
  command->footer(
      "Speed depends on shapes, not on what the weights say: measure a model without downloading it.\n"
      "Example:\n"
      "  speedwins synth qwen2.5-0.5b -o qwen.gguf --quant Q4_K_M && speedwins bench qwen.gguf");
  on_command(*command, context, [flags] { return write(*flags); });
}

}  // namespace sw
