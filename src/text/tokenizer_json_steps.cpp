#include "text/tokenizer_json_steps.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "text/pre_tokenizer_names.hpp"
#include "text/spaces.hpp"

namespace sw::tokenizer_json {
namespace {

using nlohmann::json;
using Behavior = PreTokenizerStep::Behavior;
using Prepend = PreTokenizerStep::Prepend;

/// The components of `value`, a component or a Sequence of them.
void flatten(const json& value, const char* members, int depth, std::vector<const json*>& out) {
  constexpr int deepest = 8;
  if (!value.is_object() || depth > deepest) return;
  if (text_of(value, "type") != "Sequence") {
    out.push_back(&value);
    return;
  }
  const auto list = value.find(members);
  if (list == value.end() || !list->is_array()) return;
  for (const json& member : *list) flatten(member, members, depth + 1, out);
}

std::vector<const json*> components(const json& file, const char* key, const char* members) {
  std::vector<const json*> out;
  if (const auto value = file.find(key); value != file.end()) flatten(*value, members, 0, out);
  return out;
}

std::vector<const json*> normalizers(const json& file) {
  return components(file, "normalizer", "normalizers");
}
std::vector<const json*> pre_tokenizers(const json& file) {
  return components(file, "pre_tokenizer", "pretokenizers");
}
std::vector<const json*> decoders(const json& file) {
  return components(file, "decoder", "decoders");
}

struct Pattern {
  std::string text;
  bool is_regex = false;
};

Result<Pattern> pattern_of(const json& component) {
  const auto pattern = component.find("pattern");
  if (pattern != component.end() && pattern->is_object()) {
    if (const auto text = pattern->find("String"); text != pattern->end() && text->is_string()) {
      return Pattern{text->get<std::string>(), false};
    }
    if (const auto text = pattern->find("Regex"); text != pattern->end() && text->is_string()) {
      return Pattern{text->get<std::string>(), true};
    }
  }
  return fail("a " + text_of(component, "type") + " without a pattern", "tokenizer.json",
              R"({"String": …} or {"Regex": …})");
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x80 || (byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'z');
    if (!plain) out += '\\';
    out += c;
  }
  return out;
}

bool is_marking(const json& normalizer) {
  if (text_of(normalizer, "type") != "Replace" || text_of(normalizer, "content") != space_mark) return false;
  const auto pattern = pattern_of(normalizer);
  return pattern && !pattern->is_regex && pattern->text == " ";
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int n_bits = 0;
  while (text.ends_with('=')) text.remove_suffix(1);
  for (const char c : text) {
    const std::size_t value =
        std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    out += static_cast<char>(bits >> n_bits & 0xFF);
  }
  return out;
}

std::unexpected<Error> unsupported(const char* what, const json& component) {
  return fail(std::string("unsupported ") + what + " '" + text_of(component, "type") + "'", "tokenizer.json",
              "a component this program implements");
}

Result<Behavior> behavior_of(const json& component, const char* fallback) {
  static constexpr std::array<std::pair<std::string_view, Behavior>, 5> names{{
      {"Removed", Behavior::removed},
      {"Isolated", Behavior::isolated},
      {"MergedWithPrevious", Behavior::merged_with_previous},
      {"MergedWithNext", Behavior::merged_with_next},
      {"Contiguous", Behavior::contiguous},
  }};
  std::string name = text_of(component, "behavior");
  if (name.empty()) name = fallback;
  const auto found = std::ranges::find(names, name, &std::pair<std::string_view, Behavior>::first);
  if (found != names.end()) return found->second;
  return fail("unknown behavior '" + name + "' of " + text_of(component, "type"), "tokenizer.json",
              "Removed, Isolated, …");
}

Prepend prepend_of(const json& metaspace) {
  const std::string scheme = text_of(metaspace, "prepend_scheme");
  if (scheme == "never") return Prepend::never;
  if (scheme == "first") return Prepend::first;
  if (scheme == "always") return Prepend::always;
  return flag_of(metaspace, "add_prefix_space", true) ? Prepend::always : Prepend::never;
}

Result<NormalizerStep> normalizer_step(const json& component, bool spaces_are_marked) {
  using Kind = NormalizerStep::Kind;
  static constexpr std::array<std::pair<std::string_view, unicode::Form>, 4> forms{{
      {"NFC", unicode::Form::nfc},
      {"NFD", unicode::Form::nfd},
      {"NFKC", unicode::Form::nfkc},
      {"NFKD", unicode::Form::nfkd},
  }};
  const auto plain = [&](const std::string& text) { return spaces_are_marked ? unmark_spaces(text) : text; };
  const std::string type = text_of(component, "type");
  const auto form = std::ranges::find(forms, type, &std::pair<std::string_view, unicode::Form>::first);
  if (form != forms.end()) return NormalizerStep{.kind = Kind::form, .form = form->second};
  if (type == "Lowercase") return NormalizerStep{.kind = Kind::lowercase};
  if (type == "StripAccents") return NormalizerStep{.kind = Kind::strip_accents};
  if (type == "Prepend") return NormalizerStep{.kind = Kind::prepend, .content = plain(text_of(component, "prepend"))};
  if (type == "Strip") {
    return NormalizerStep{.kind = Kind::strip,
                          .left = flag_of(component, "strip_left", true),
                          .right = flag_of(component, "strip_right", true)};
  }
  if (type == "Replace") {
    SW_ASSIGN(Pattern pattern, pattern_of(component));
    return NormalizerStep{.kind = Kind::replace,
                          .pattern = std::move(pattern.text),
                          .content = plain(text_of(component, "content")),
                          .is_regex = pattern.is_regex};
  }
  if (type == "BertNormalizer") {
    const bool lower = flag_of(component, "lowercase", true);
    return NormalizerStep{.kind = Kind::bert,
                          .clean_text = flag_of(component, "clean_text", true),
                          .chinese_chars = flag_of(component, "handle_chinese_chars", true),
                          .lower = lower,
                          .accents = flag_of(component, "strip_accents", lower)};
  }
  if (type == "Precompiled") {
    auto map = from_base64(text_of(component, "precompiled_charsmap"));
    if (!map) return fail("precompiled_charsmap is not base64", "tokenizer.json");
    return NormalizerStep{.kind = Kind::charsmap, .content = std::move(*map)};
  }
  return unsupported("normalizer", component);
}

}  // namespace

std::string text_of(const json& object, const char* key) {
  const auto value = object.find(key);
  return value != object.end() && value->is_string() ? value->get<std::string>() : std::string();
}

bool flag_of(const json& object, const char* key, bool fallback) {
  const auto value = object.find(key);
  return value != object.end() && value->is_boolean() ? value->get<bool>() : fallback;
}

bool is_byte_level(const json& file) {
  const auto byte_level = [](const json* component) { return text_of(*component, "type") == "ByteLevel"; };
  return std::ranges::any_of(pre_tokenizers(file), byte_level) || std::ranges::any_of(decoders(file), byte_level);
}

bool marks_spaces(const json& file) {
  return std::ranges::any_of(normalizers(file), [](const json* c) { return is_marking(*c); }) ||
         std::ranges::any_of(pre_tokenizers(file), [](const json* c) { return text_of(*c, "type") == "Metaspace"; });
}

Status read_normalizer(const json& file, TokenizerSpec& spec) {
  bool marked = false;
  for (const json* component : normalizers(file)) {
    if (is_marking(*component)) {
      marked = true;
      spec.normalizer.push_back(
          {.kind = NormalizerStep::Kind::replace, .pattern = std::string(space_mark), .content = " "});
      continue;
    }
    SW_ASSIGN(NormalizerStep step, normalizer_step(*component, spec.spaces_are_marked));
    if (marked && step.kind == NormalizerStep::Kind::replace) {
      if (step.is_regex) return fail("a Replace by regular expression after spaces became '▁'", "tokenizer.json");
      if (step.pattern.find(' ') != std::string::npos) continue;  // no spaces are left to match
      step.pattern = unmark_spaces(step.pattern);
    }
    spec.normalizer.push_back(std::move(step));
  }
  return {};
}

Status read_pre_tokenizer(const json& file, TokenizerSpec& spec) {
  using Kind = PreTokenizerStep::Kind;
  bool marked = std::ranges::any_of(normalizers(file), [](const json* c) { return is_marking(*c); });
  for (const json* component : pre_tokenizers(file)) {
    const std::string type = text_of(*component, "type");
    if (type == "ByteLevel") {
      if (flag_of(*component, "add_prefix_space", true)) spec.pre_tokenizer.push_back({.kind = Kind::prefix_space});
      if (flag_of(*component, "use_regex", true)) {
        spec.pre_tokenizer.push_back({.kind = Kind::regex, .pattern = std::string(patterns::gpt2)});
      }
    } else if (type == "Split") {
      SW_ASSIGN(Pattern pattern, pattern_of(*component));
      SW_ASSIGN(const Behavior behavior, behavior_of(*component, "Isolated"));
      if (marked && pattern.is_regex)
        return fail("a Split by regular expression after spaces became '▁'", "tokenizer.json");
      if (marked && pattern.text.find(' ') != std::string::npos) continue;  // no spaces are left to match
      if (marked) pattern.text = unmark_spaces(pattern.text);
      if (pattern.text.empty()) continue;
      spec.pre_tokenizer.push_back(
          {.kind = Kind::regex,
           .behavior = behavior,
           .pattern = pattern.is_regex ? canonical_pattern(pattern.text) : escape(pattern.text),
           .invert = flag_of(*component, "invert", false)});
    } else if (type == "Digits") {
      const bool individual = flag_of(*component, "individual_digits", false);
      spec.pre_tokenizer.push_back({.kind = individual ? Kind::digits : Kind::digit_runs});
    } else if (type == "Punctuation") {
      SW_ASSIGN(const Behavior behavior, behavior_of(*component, "Isolated"));
      spec.pre_tokenizer.push_back({.kind = Kind::punctuation, .behavior = behavior});
    } else if (type == "Whitespace") {
      spec.pre_tokenizer.push_back(
          {.kind = Kind::regex, .behavior = Behavior::removed, .pattern = R"(\w+|[^\w\s]+)", .invert = true});
    } else if (type == "WhitespaceSplit" && !marked) {
      spec.pre_tokenizer.push_back({.kind = Kind::whitespace_split, .behavior = Behavior::removed});
    } else if (type == "BertPreTokenizer") {
      spec.pre_tokenizer.push_back({.kind = Kind::bert});
    } else if (type == "Metaspace") {
      if (const std::string mark = text_of(*component, "replacement"); mark != space_mark) {
        return fail("Metaspace marks spaces by '" + mark + "'", "tokenizer.json", "'▁'");
      }
      marked = true;
      spec.pre_tokenizer.push_back(
          {.kind = Kind::metaspace, .prepend = prepend_of(*component), .split = flag_of(*component, "split", true)});
    } else {
      return unsupported("pre-tokenizer", *component);
    }
  }
  return {};
}

Status read_decoder(const json& file, TokenizerSpec& spec) {
  for (const json* component : decoders(file)) {
    const std::string type = text_of(*component, "type");
    if (type == "Metaspace") {
      spec.drops_first_space = prepend_of(*component) != Prepend::never;
    } else if (type == "Strip") {
      const auto start = component->find("start");
      spec.drops_first_space = text_of(*component, "content") == " " && start != component->end() && *start == 1;
    } else if (type == "WordPiece") {
      spec.drops_first_space = true;
    } else if (type != "ByteLevel" && type != "Replace" && type != "ByteFallback" && type != "Fuse") {
      return unsupported("decoder", *component);
    }
  }
  return {};
}

}  // namespace sw::tokenizer_json
