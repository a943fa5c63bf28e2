#include <memory>

#include "training.hpp"

namespace sw {

void add_train_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<TrainingFlags>();
  CLI::App* command = app.add_subcommand("train", "Train a model as a recipe says");
  add_training_flags(*command, *flags);
  command->footer(
      "Everything is written into the recipe's folder `out`: tokenizer, tokenized data, snapshots, log and report.\n"
      "Ctrl-C saves and ends; the same command goes on where it was, to the same bits.\n"
      "\n"
      "Example:\n"
      "  speedwins train recipes/shakespeare.toml --publish\n"
      "  speedwins run recipes/runs/shakespeare/shakespeare.gguf -p \"ROMEO:\"");
  on_command(*command, context, [flags] {
    return run_training(
        *flags, "train",
        [](const train::Recipe& recipe, const train::Workspace&, ThreadPool&, const std::atomic<bool>&) -> Status {
          if (!recipe.distillation) return {};
          return fail("the recipe has a teacher", recipe.file.string(), {},
                      "Run: speedwins distill " + recipe.file.string());
        });
  });
}

}  // namespace sw
