#include <fmt/core.h>

#include <memory>

#include "progress_line.hpp"
#include "train/teacher.hpp"
#include "training.hpp"

namespace sw {
namespace {

/// Stores the teacher's outcomes where the recipe wants them stored.
Status before(const train::Recipe& recipe, const train::Workspace& space, ThreadPool& pool,
              const std::atomic<bool>& stop) {
  if (!recipe.distillation)
    return fail("the recipe has no teacher", recipe.file.string(), "a table [distill] with teacher = \"MODEL\"",
                "Run: speedwins train " + recipe.file.string());
  if (recipe.distillation->targets.empty()) return {};
  ProgressLine progress;
  return train::store_targets({*recipe.distillation, *space.tokenizer, space.spec.vocab, recipe.data.sequence},
                              space.train, pool, [&](std::int64_t done, std::int64_t total) {
                                progress.show(fmt::format("the teacher has read {} of {} tokens", done, total));
                                return !stop;
                              });
}

}  // namespace

void add_distill_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<TrainingFlags>();
  CLI::App* command = app.add_subcommand("distill", "Train a model to say what a larger one says");
  add_training_flags(*command, *flags);
  command->footer(
      "The recipe's table [distill] names the teacher, which must have the student's tokenizer, and what is compared:\n"
      "kl, reverse_kl and cross_entropy are shares of the loss, temperature softens the first two. With `targets` the\n"
      "teacher's top_k log-probabilities are stored once and read in every epoch; without, it runs beside the "
      "student.\n"
      "\n"
      "Example:\n"
      "  speedwins distill recipes/demo/demo-draft.toml --publish");
  on_command(*command, context, [flags] { return run_training(*flags, "distill", before); });
}

}  // namespace sw
