#include <fmt/core.h>

#include <charconv>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "commands.hpp"
#include "hub/catalogue.hpp"
#include "load.hpp"
#include "model/checkpoint_io.hpp"

namespace sw {
namespace {

struct TokenizeFlags {
  std::string model;
  bool decode = false, no_special = false, whole = false;
};

std::vector<std::string> read_input(bool whole) {
  std::vector<std::string> texts;
  if (whole) {
    texts.emplace_back(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
    return texts;
  }
  for (std::string line; std::getline(std::cin, line);) texts.push_back(line);
  return texts;
}

Result<std::vector<TokenId>> parse_ids(std::string_view text, std::size_t line) {
  std::vector<TokenId> ids;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n,"), text.size()));
    if (text.empty()) return ids;
    TokenId id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc())
      return fail(fmt::format("'{}' is no token id", text.substr(0, text.find_first_of(" \t\r\n,"))),
                  fmt::format("standard input, line {}", line), "token ids separated by spaces");
    ids.push_back(id);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
}

/// `ids` without the tokens that encoding puts around every text.
Result<std::vector<TokenId>> without_added(std::vector<TokenId> ids, const Tokenizer& tokenizer) {
  SW_ASSIGN(const auto added, tokenizer.encode(""));
  for (TokenId id : added) {
    if (!ids.empty() && ids.front() == id && tokenizer.is_special(id))
      ids.erase(ids.begin());
    else if (!ids.empty() && ids.back() == id && tokenizer.is_special(id))
      ids.pop_back();
  }
  return ids;
}

Result<Report> decode(const TokenizeFlags& flags, const Tokenizer& tokenizer) {
  Report report;
  report.json["texts"] = nlohmann::ordered_json::array();
  std::size_t line = 0;
  for (const std::string& text : read_input(flags.whole)) {
    SW_ASSIGN(auto ids, parse_ids(text, ++line));
    if (!flags.no_special) {
      SW_ASSIGN(ids, without_added(std::move(ids), tokenizer));
    }
    SW_ASSIGN(std::string decoded, tokenizer.decode(ids, !flags.no_special));
    report.text += decoded;
    if (!flags.whole) report.text += '\n';
    report.json["texts"].push_back(std::move(decoded));
  }
  return report;
}

Result<Report> encode(const TokenizeFlags& flags, const Tokenizer& tokenizer) {
  Report report;
  report.json["ids"] = nlohmann::ordered_json::array();
  for (const std::string& text : read_input(flags.whole)) {
    SW_ASSIGN(const auto ids,
              tokenizer.encode(text, {.add_special = !flags.no_special, .parse_special = !flags.no_special}));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (i > 0) report.text += ' ';
      report.text += std::to_string(ids[i]);
    }
    report.text += '\n';
    report.json["ids"].push_back(ids);
  }
  return report;
}

Result<Report> tokenize(const TokenizeFlags& flags) {
  SW_ASSIGN(const CatalogueEntry entry, find_model(flags.model));
  SW_ASSIGN(const OpenedCheckpoint opened, open_checkpoint(entry.path()));
  if (!opened.tokenizer) return fail("the checkpoint has no tokenizer", flags.model);
  return flags.decode ? decode(flags, *opened.tokenizer) : encode(flags, *opened.tokenizer);
}

}  // namespace

void add_tokenize_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<TokenizeFlags>();
  CLI::App* command = app.add_subcommand("tokenize", "Text to token ids, line by line, and back");
  add_model_argument(*command, flags->model);
  command->add_flag("--decode", flags->decode, "Token ids to text");
  command->add_flag("--no-special", flags->no_special,
                    "No special tokens: add none and read theirs as plain text; leave them out when decoding");
  command->add_flag("--whole", flags->whole, "All of standard input is one text");
  command->footer(
      "Examples:\n"
      "  echo \"Speed wins.\" | speedwins tokenize demo\n"
      "  speedwins tokenize demo --whole < book.txt | wc -w        how many tokens a book has\n"
      "  echo \"Speed wins.\" | speedwins tokenize demo | speedwins tokenize demo --decode");
  on_command(*command, context, [flags] { return tokenize(*flags); });
}

}  // namespace sw
