#include "text/pre_tokenizer.hpp"

#include <algorithm>
#include <optional>

namespace sw {
namespace {

using Kind = PreTokenizerStep::Kind;
using Behavior = PreTokenizerStep::Behavior;
using Prepend = PreTokenizerStep::Prepend;

int class_at(std::string_view text, std::size_t i, std::size_t& size) {
  const unicode::Character c = unicode::decode(text, i);
  size = c.size;
  if (!c.valid) return unicode::other;
  // Hugging Face counts every ASCII sign as punctuation, "$" and "<" included.
  const int found = unicode::classify(c.code_point);
  return c.code_point < 0x80 && (found & unicode::symbol) != 0 ? unicode::punctuation : found;
}

/// Every character of one of `classes` is a match by itself.
void find_class(std::string_view text, int classes, std::vector<Span>& matches) {
  for (std::size_t i = 0, size = 0; i < text.size(); i += size) {
    if ((class_at(text, i, size) & classes) != 0) matches.push_back({i, i + size});
  }
}

void join_adjacent(std::vector<Span>& matches) {
  std::size_t kept = 0;
  for (const Span& match : matches) {
    if (kept != 0 && matches[kept - 1].end == match.begin) {
      matches[kept - 1].end = match.end;
    } else {
      matches[kept++] = match;
    }
  }
  matches.resize(kept);
}

void invert(std::size_t size, std::vector<Span>& matches) {
  std::vector<Span> gaps;
  std::size_t begin = 0;
  for (const Span& match : matches) {
    if (match.begin > begin) gaps.push_back({begin, match.begin});
    begin = match.end;
  }
  if (begin < size) gaps.push_back({begin, size});
  matches = std::move(gaps);
}

/// Appends what `matches` make of the piece [offset, offset + size), as Hugging Face's SplitDelimiterBehavior says.
void apply(Behavior behavior, std::size_t offset, std::size_t size, const std::vector<Span>& matches,
           std::vector<Span>& out) {
  const auto add = [&](std::size_t begin, std::size_t end) {
    if (end > begin) out.push_back({offset + begin, offset + end});
  };
  std::size_t begin = 0;  // of what is not in `out` yet
  for (const Span& match : matches) {
    switch (behavior) {
      case Behavior::removed:
        add(begin, match.begin);
        begin = match.end;
        break;
      case Behavior::isolated:
      case Behavior::contiguous:
        add(begin, match.begin);
        add(match.begin, match.end);
        begin = match.end;
        break;
      case Behavior::merged_with_previous:
        add(begin, match.end);
        begin = match.end;
        break;
      case Behavior::merged_with_next:
        add(begin, match.begin);
        begin = match.begin;
        break;
    }
  }
  add(begin, size);
}

/// Marks spaces as SentencePiece does, in the plain-space form of TokenizerSpec.
void rewrite_metaspace(const PreTokenizerStep& step, bool at_start, PreTokenizer::Pieces& pieces) {
  constexpr std::string_view mark = "\xE2\x96\x81";
  const bool has_mark = pieces.text.find(mark) != std::string_view::npos;
  if (step.prepend == Prepend::never && !has_mark) return;
  std::string text;
  text.reserve(pieces.text.size() + pieces.spans.size());
  for (Span& span : pieces.spans) {
    const std::string_view piece = pieces.text.substr(span.begin, span.end - span.begin);
    const bool starts_marked = piece.starts_with(' ') || piece.starts_with(mark);
    const bool wanted =
        step.prepend == Prepend::always || (step.prepend == Prepend::first && at_start && span.begin == 0);
    span.begin = text.size();
    if (wanted && !starts_marked) text += ' ';
    for (std::size_t i = 0; i < piece.size();) {
      if (has_mark && piece.substr(i).starts_with(mark)) {
        text += ' ';
        i += mark.size();
      } else {
        text += piece[i++];
      }
    }
    span.end = text.size();
  }
  pieces.owned = std::move(text);
  pieces.text = pieces.owned;
}

/// ByteLevel's add_prefix_space.
void rewrite_prefix_space(PreTokenizer::Pieces& pieces) {
  std::string text;
  for (Span& span : pieces.spans) {
    const std::string_view piece = pieces.text.substr(span.begin, span.end - span.begin);
    span.begin = text.size();
    if (!piece.starts_with(' ')) text += ' ';
    text += piece;
    span.end = text.size();
  }
  pieces.owned = std::move(text);
  pieces.text = pieces.owned;
}

/// What counts as a match of `step` in `piece`. `matcher` belongs to its pattern, where it has one.
Status find_matches(const PreTokenizerStep& step, RegexMatcher* matcher, std::string_view piece,
                    std::vector<Span>& matches) {
  switch (step.kind) {
    case Kind::regex:
      SW_TRY(matcher->find_all(piece, matches));
      if (step.invert) invert(piece.size(), matches);
      break;
    case Kind::digits:
      find_class(piece, unicode::number, matches);
      break;
    case Kind::digit_runs:
      find_class(piece, unicode::number, matches);
      join_adjacent(matches);
      break;
    case Kind::punctuation:
      find_class(piece, unicode::punctuation, matches);
      break;
    case Kind::whitespace_split:
      find_class(piece, unicode::space, matches);
      break;
    case Kind::metaspace:
      find_class(piece, unicode::space, matches);
      break;
    case Kind::bert:
    case Kind::prefix_space:
      break;
  }
  if (step.behavior == Behavior::contiguous) join_adjacent(matches);
  return {};
}

}  // namespace

Result<PreTokenizer> PreTokenizer::compile(const std::vector<PreTokenizerStep>& steps) {
  PreTokenizer result;
  for (const PreTokenizerStep& spec : steps) {
    Step step{.spec = spec};
    if (spec.kind == Kind::regex) {
      if (spec.behavior == Behavior::isolated && !spec.invert) step.scanner = WordScanner::for_pattern(spec.pattern);
      if (step.scanner == nullptr) {
        SW_ASSIGN(Regex regex, Regex::compile(spec.pattern));
        step.regex.push_back(std::move(regex));
      }
    }
    result.steps_.push_back(std::move(step));
  }
  return result;
}

Status PreTokenizer::split(std::string_view text, bool at_start, Pieces& pieces) const {
  pieces.text = text;
  pieces.spans.clear();
  if (text.empty()) return {};
  pieces.spans.push_back({0, text.size()});
  std::vector<Span> next, matches;
  for (const Step& step : steps_) {
    if (step.spec.kind == Kind::metaspace) rewrite_metaspace(step.spec, at_start, pieces);
    if (step.spec.kind == Kind::prefix_space) rewrite_prefix_space(pieces);
    if (step.spec.kind == Kind::prefix_space || (step.spec.kind == Kind::metaspace && !step.spec.split)) continue;
    std::optional<RegexMatcher> matcher;
    if (!step.regex.empty()) matcher.emplace(step.regex.front());
    next.clear();
    for (const Span& span : pieces.spans) {
      const std::string_view piece = pieces.text.substr(span.begin, span.end - span.begin);
      if (step.scanner != nullptr) {
        for (std::size_t begin = 0; begin < piece.size();) {
          const std::size_t end = step.scanner->next(piece, begin);
          next.push_back({span.begin + begin, span.begin + end});
          begin = end;
        }
        continue;
      }
      matches.clear();
      if (step.spec.kind == Kind::bert) {  // white space goes, every sign stands alone
        for (std::size_t i = 0, size = 0, word = 0; i <= piece.size(); i += size) {
          const int c = i < piece.size() ? class_at(piece, i, size) : unicode::space;
          if ((c & (unicode::space | unicode::punctuation)) == 0) continue;
          if (i > word) next.push_back({span.begin + word, span.begin + i});
          if ((c & unicode::punctuation) != 0) next.push_back({span.begin + i, span.begin + i + size});
          if (i == piece.size()) break;
          word = i + size;
        }
        continue;
      }
      if (step.spec.kind == Kind::metaspace) {
        for (std::size_t i = piece.find(' '); i != std::string_view::npos; i = piece.find(' ', i + 1)) {
          matches.push_back({i, i + 1});
        }
      } else {
        SW_TRY(find_matches(step.spec, matcher ? &*matcher : nullptr, piece, matches));
      }
      const Behavior behavior = step.spec.kind == Kind::metaspace ? Behavior::merged_with_next : step.spec.behavior;
      apply(behavior, span.begin, piece.size(), matches, next);
    }
    std::swap(pieces.spans, next);
  }
  return {};
}

}  // namespace sw
