#include <memory>

#include "commands.hpp"
#include "conversion.hpp"

namespace sw {

void add_convert_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<ConversionFlags>();
  CLI::App* command = app.add_subcommand("convert", "Write any checkpoint as one GGUF file");
  add_conversion_flags(*command, *flags);
  command->add_option("--type", flags->type, "Type of the weights (default: as they are): " + file_type_names());
  command->footer(
      "Examples:\n"
      "  speedwins convert Qwen2.5-0.5B-Instruct/ qwen.gguf                 keep the published precision\n"
      "  speedwins convert Qwen2.5-0.5B-Instruct/ qwen.gguf --type Q4_K_M   smaller and faster in one step");
  on_command(*command, context, [flags] { return write_conversion(*flags, "converting"); });
}

}  // namespace sw
