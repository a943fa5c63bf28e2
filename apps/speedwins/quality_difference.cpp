#include "quality_difference.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/file.hpp"
#include "evaluation/perplexity.hpp"
#include "evaluation/sample_text.hpp"
#include "tasks/suite.hpp"

namespace sw {
namespace {

constexpr std::size_t piece_bytes = 600, most_pieces = 32;

bool is_set(const std::atomic<bool>* flag) {
  return flag && flag->load(std::memory_order_relaxed);
}

/// The text in pieces of a few hundred bytes that end with a line or a word, spread over all of it.
std::vector<std::string_view> pieces_of(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = std::min(begin + piece_bytes, text.size());
    if (end < text.size()) {
      const std::size_t space = text.find_last_of(" \n", end);
      if (space != std::string_view::npos && space > begin + piece_bytes / 2) end = space + 1;
    }
    pieces.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  if (pieces.size() <= most_pieces) return pieces;
  std::vector<std::string_view> spread;
  for (std::size_t i = 0; i < most_pieces; ++i) spread.push_back(pieces[i * pieces.size() / most_pieces]);
  return spread;
}

/// −log p of the piece's bytes, in nats per byte. The first token has no probability and is left out for both.
Result<double> loss_per_byte(TextScorer& scorer, const Tokenizer& tokenizer, std::string_view piece) {
  SW_ASSIGN(const std::vector<TokenId> tokens, tokenizer.encode(piece, {.add_special = true, .parse_special = false}));
  if (tokens.size() < 2) return 0;
  double nats = 0;
  SW_TRY(scorer.score(tokens, 1, [&](std::size_t i, std::span<const float> logits) -> Status {
    nats += surprise(logits, tokens[i]);
    return {};
  }));
  return nats / static_cast<double>(piece.size());
}

Result<TextScorer> scorer_for(const QualitySide& side) {
  if (!side.model.tokenizer)
    return fail("the checkpoint has no tokenizer", side.model.spec.name, {}, "Use --no-quality");
  // No tokenizer needs more tokens than bytes and its own special ones.
  return TextScorer::create(side.model, side.pool, std::min<int>(side.model.spec.context, piece_bytes + 8),
                            side.kv_type);
}

void finish(QualityDifference& result, const std::vector<double>& of_a, const std::vector<double>& of_b,
            bool relative) {
  const auto n = static_cast<double>(of_a.size());
  std::vector<double> changes;
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    result.a += of_a[i] / n;
    result.b += of_b[i] / n;
    result.equal += of_a[i] == of_b[i];
  }
  for (std::size_t i = 0; i < of_a.size(); ++i)
    changes.push_back(relative ? (of_a[i] - of_b[i]) / result.a : of_b[i] - of_a[i]);
  result.items = static_cast<int>(of_a.size());
  for (const double change : changes) result.change += change / n;
  result.interval = bootstrap_mean(changes);
}

}  // namespace

std::string QualityDifference::text() const {
  const double half = (interval.high - interval.low) / 2;
  const char* suffix = unit == "points" ? " points of right answers" : "% quality";
  if (equal == items) return fmt::format("±0{} (exactly alike)", suffix);
  return fmt::format("{:+.1f}{} ± {:.1f}{}", 100 * change, unit == "points" ? "" : "%", 100 * half, suffix);
}

report::Table QualityDifference::table() const {
  using namespace report;
  const bool points = unit == "points";
  Table table{.title = "Quality",
              .columns = {{"", "", Format::text},
                          {"A", points ? "" : "nats/byte", points ? Format::percent : Format::number},
                          {"B", points ? "" : "nats/byte", points ? Format::percent : Format::number},
                          {points ? "difference" : "B better by", "95%", Format::percent}},
              .rows = {},
              .caption = fmt::format("{} {}, {} of them with exactly the same outcome.", items,
                                     points ? "questions" : "pieces of text", equal)};
  table.rows.push_back({measure, a, b, Estimate{change, interval.low, interval.high}});
  return table;
}

Result<QualityDifference> text_difference(const QualitySide& a, const QualitySide& b, const std::string& text_file,
                                          const QualityHooks& hooks) {
  std::string text;
  if (text_file.empty()) {
    SW_ASSIGN(text, sample_text());
  } else {
    SW_ASSIGN(text, read_text_file(text_file, std::uint64_t{1} << 30));
  }
  const auto pieces = pieces_of(text);
  if (pieces.empty()) return fail("is empty", text_file, "a text to compare the loss on");
  SW_ASSIGN(TextScorer scorer_a, scorer_for(a));
  SW_ASSIGN(TextScorer scorer_b, scorer_for(b));
  std::vector<double> of_a, of_b;
  for (const std::string_view piece : pieces) {
    if (is_set(hooks.stop)) break;
    hooks.progress(fmt::format("quality: piece {} of {}", of_a.size() + 1, pieces.size()));
    SW_ASSIGN(const double loss_a, loss_per_byte(scorer_a, *a.model.tokenizer, piece));
    SW_ASSIGN(const double loss_b, loss_per_byte(scorer_b, *b.model.tokenizer, piece));
    of_a.push_back(loss_a);
    of_b.push_back(loss_b);
  }
  if (of_a.empty()) return fail("interrupted before the first piece of text was read");
  QualityDifference result{.measure = "loss on a text", .unit = "%"};
  finish(result, of_a, of_b, true);
  return result;
}

Result<QualityDifference> task_difference(const AnswersRight& a, const AnswersRight& b,
                                          const std::vector<TaskItem>& items, const QualityHooks& hooks) {
  std::vector<double> of_a, of_b;
  for (const TaskItem& item : items) {
    if (is_set(hooks.stop)) break;
    hooks.progress(fmt::format("quality: question {} of {}", of_a.size() + 1, items.size()));
    SW_ASSIGN(const bool right_a, a(item));
    SW_ASSIGN(const bool right_b, b(item));
    of_a.push_back(right_a);
    of_b.push_back(right_b);
  }
  if (of_a.empty()) return fail("interrupted before the first question was answered");
  QualityDifference result{.measure = "right answers", .unit = "points"};
  finish(result, of_a, of_b, false);
  return result;
}

Result<std::vector<TaskItem>> read_tasks(const std::string& name, int most) {
  std::vector<TaskItem> items;
  if (name == "suite") {
    SW_ASSIGN(items, task_suite());
  } else {
    SW_ASSIGN(const std::string text, read_text_file(name));
    SW_ASSIGN(items, parse_tasks(text, name));
  }
  if (items.empty()) return fail("holds no tasks", name, "one JSON object per line");
  if (most <= 0 || items.size() <= static_cast<std::size_t>(most)) return items;
  std::vector<TaskItem> spread;
  for (std::size_t i = 0; i < static_cast<std::size_t>(most); ++i)
    spread.push_back(items[i * items.size() / static_cast<std::size_t>(most)]);
  return spread;
}

}  // namespace sw
