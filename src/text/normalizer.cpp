#include "text/normalizer.hpp"

#include "text/spaces.hpp"

namespace sw {
namespace {

using Kind = NormalizerStep::Kind;
using unicode::Character;

/// `text` with every character for which `keep` is false left out.
template <class Keep>
std::string filter(std::string_view text, Keep keep) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const Character c = unicode::decode(text, i);
    if (!c.valid || keep(c.code_point)) out += text.substr(i, c.size);
    i += c.size;
  }
  return out;
}

std::string strip_marks(std::string_view text) {
  return filter(text, [](char32_t c) { return !unicode::is_nonspacing_mark(c); });
}

/// The ranges BERT sets apart (google-research/bert, tokenization.py, _is_chinese_char), with the gap that Hugging
/// Face's version has between U+2B820 and U+2B920.
bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

std::string bert(const NormalizerStep& step, std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const Character c = unicode::decode(text, i);
    const std::string_view bytes = text.substr(i, c.size);
    i += c.size;
    const bool line = c.code_point == '\t' || c.code_point == '\n' || c.code_point == '\r';
    // U+000B, U+000C and U+0085 are white space elsewhere, but control characters here.
    const bool control = c.code_point < 0x20 || (c.code_point >= 0x7F && c.code_point < 0xA0) ||
                         c.code_point == 0xFFFD || unicode::is(c.code_point, unicode::other);
    if (step.clean_text && control && !line) {
      continue;
    } else if (step.clean_text && unicode::is(c.code_point, unicode::space)) {
      out += ' ';
    } else if (step.chinese_chars && c.valid && is_chinese(c.code_point)) {
      out += ' ';
      out += bytes;
      out += ' ';
    } else {
      out += bytes;
    }
  }
  if (step.accents) out = strip_marks(unicode::normalize(out, unicode::Form::nfd));
  if (step.lower) out = unicode::to_lower(out);
  return out;
}

std::string strip(const NormalizerStep& step, std::string_view text) {
  std::size_t begin = 0, end = 0;  // of what is kept
  bool started = !step.left;
  for (std::size_t i = 0; i < text.size();) {
    const Character c = unicode::decode(text, i);
    const bool white = c.valid && unicode::is(c.code_point, unicode::space);
    if (!started && !white) {
      started = true;
      begin = i;
    }
    i += c.size;
    if (!white || !step.right) end = i;
  }
  return started && end > begin ? std::string(text.substr(begin, end - begin)) : std::string();
}

/// SentencePiece's own white space rules, as llama.cpp applies them to its "t5" models.
std::string squeeze(const NormalizerStep& step, std::string_view text) {
  std::string out;
  bool prefixed = false, in_word = false;
  for (const char c : text) {
    if (c == ' ') {
      in_word = false;
      if (!step.remove_extra) out += ' ';
      continue;
    }
    if (!in_word && ((step.add_prefix && !prefixed) || step.remove_extra)) {
      out += ' ';
      prefixed = true;
    }
    in_word = true;
    out += c;
  }
  return out;
}

}  // namespace

Result<Normalizer> Normalizer::compile(const std::vector<NormalizerStep>& steps) {
  Normalizer result;
  for (const NormalizerStep& spec : steps) {
    Step step{.spec = spec, .regex = {}, .charsmap = {}};
    if (spec.kind == Kind::replace && spec.is_regex) {
      SW_ASSIGN(step.regex, Regex::compile(spec.pattern));
    }
    if (spec.kind == Kind::charsmap) {
      SW_ASSIGN(step.charsmap, CharsMap::parse(spec.content));
    }
    result.steps_.push_back(std::move(step));
  }
  return result;
}

Result<std::string> Normalizer::apply(std::string_view text) const {
  std::string result(text);
  for (const Step& step : steps_) {
    SW_ASSIGN(result, apply(step, std::move(result)));
  }
  return result;
}

Result<std::string> Normalizer::apply(const Step& step, std::string text) {
  const NormalizerStep& spec = step.spec;
  switch (spec.kind) {
    case Kind::form:
      return unicode::normalize(text, spec.form);
    case Kind::lowercase:
      return unicode::to_lower(text);
    case Kind::prepend:
      return text.empty() ? text : spec.content + text;
    case Kind::strip:
      return strip(spec, text);
    case Kind::strip_accents:
      return strip_marks(text);
    case Kind::bert:
      return bert(spec, text);
    case Kind::charsmap:
      return step.charsmap->apply(text);
    case Kind::squeeze:
      return squeeze(spec, text);
    case Kind::replace:
      break;
  }
  if (!step.regex) return spec.pattern.empty() ? text : replace_all(text, spec.pattern, spec.content);
  std::vector<Span> matches;
  SW_TRY(RegexMatcher(*step.regex).find_all(text, matches));
  std::string out;
  std::size_t begin = 0;
  for (const Span& match : matches) {
    out.append(text, begin, match.begin - begin);
    out += spec.content;
    begin = match.end;
  }
  out.append(text, begin);
  return out;
}

}  // namespace sw
