#include <memory>

#include "commands.hpp"
#include "conversion.hpp"

namespace sw {

void add_quantize_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<ConversionFlags>();
  CLI::App* command = app.add_subcommand("quantize", "Store the weights in fewer bits");
  add_conversion_flags(*command, *flags);
  command->add_option("TYPE", flags->type, file_type_names())->required();
  command->footer(
      "Examples:\n"
      "  speedwins quantize qwen-f16.gguf qwen-q4.gguf Q4_K_M\n"
      "  speedwins eval qwen-q4.gguf --text book.txt                        what it costs in quality");
  on_command(*command, context, [flags] { return write_conversion(*flags, "quantizing"); });
}

}  // namespace sw
