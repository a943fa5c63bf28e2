#include <fmt/core.h>

#include <memory>

#include "commands.hpp"
#include "curriculum/curriculum.hpp"
#include "game/embedded_content.hpp"

namespace sw {
namespace {

struct CorpusFlags {
  std::string phrasings, out;
  curriculum::CorpusSize size;
};

Result<Report> write(const CorpusFlags& flags) {
  SW_ASSIGN(const game::Content content, game::parse_content(game::embedded_content()));
  SW_ASSIGN(const curriculum::CorpusFiles files,
            curriculum::write_corpus(content, flags.phrasings, flags.out, flags.size));
  Report report;
  report.json = {{"lookup", files.lookup.string()},
                 {"lookups", flags.size.lookups},
                 {"train", files.train.string()},
                 {"conversations", flags.size.conversations},
                 {"validation", files.validation.string()},
                 {"test", files.test.string()},
                 {"questions", files.questions}};
  report.text = fmt::format("{}  {} texts\n{}  {} conversations\n{}  {}\n{}  {} questions\n", files.lookup.string(),
                            flags.size.lookups, files.train.string(), flags.size.conversations,
                            files.validation.string(), flags.size.validation, files.test.string(), files.questions);
  return report;
}

}  // namespace

void add_corpus_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<CorpusFlags>();
  CLI::App* command = app.add_subcommand("corpus", "Conversations about the game's concepts, to train a model on");
  command->add_option("PHRASINGS", flags->phrasings, "Folder with phrasings.toml, dialogues.toml and skills.toml")
      ->required();
  command
      ->add_option("-o,--output", flags->out, "Folder for lookup.jsonl, train.jsonl, validation.jsonl and test.jsonl")
      ->required();
  command->add_option("--conversations", flags->size.conversations, "In train.jsonl")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  command->add_option("--seed", flags->size.seed, "The same seed gives the same files on every machine")
      ->check(CLI::Range(0ull, 1'000'000'000'000ull))
      ->capture_default_str();
  command->footer(
      "The test's phrasings, pairs and combinations are never trained on; `speedwins eval MODEL --tasks` reads it.\n"
      "\n"
      "Example:\n"
      "  speedwins corpus recipes/demo -o recipes/demo/runs/corpus");
  on_command(*command, context, [flags] { return write(*flags); });
}

}  // namespace sw
