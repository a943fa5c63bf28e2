#include "loadtest/prompts.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "loadtest/random.hpp"

namespace sw::loadtest {
namespace {

constexpr std::array vocabulary = {
    "about",   "above",  "after",   "again",  "air",    "all",    "always", "and",      "animal", "answer",   "any",
    "apple",   "around", "ask",     "away",   "back",   "bank",   "before", "begin",    "below",  "best",     "better",
    "big",     "bird",   "boat",    "book",   "both",   "bread",  "bridge", "bring",    "build",  "busy",     "but",
    "call",    "can",    "carry",   "change", "city",   "clear",  "close",  "cloud",    "cold",   "come",     "could",
    "country", "cross",  "day",     "deep",   "door",   "down",   "draw",   "dry",      "each",   "early",    "earth",
    "easy",    "eat",    "end",     "enough", "even",   "every",  "eye",    "face",     "fact",   "far",      "fast",
    "field",   "find",   "fire",    "first",  "fish",   "follow", "food",   "foot",     "for",    "forest",   "form",
    "friend",  "from",   "garden",  "give",   "glass",  "go",     "gold",   "good",     "great",  "green",    "ground",
    "group",   "grow",   "half",    "hand",   "hard",   "have",   "head",   "hear",     "help",   "here",     "high",
    "hold",    "home",   "horse",   "hour",   "house",  "how",    "idea",   "in",       "island", "just",     "keep",
    "kind",    "know",   "land",    "large",  "last",   "late",   "learn",  "leave",    "letter", "life",     "light",
    "line",    "list",   "listen",  "little", "live",   "long",   "look",   "low",      "make",   "many",     "mark",
    "may",     "mean",   "measure", "meet",   "might",  "mind",   "moon",   "more",     "most",   "mountain", "move",
    "much",    "music",  "must",    "name",   "near",   "never",  "new",    "next",     "night",  "north",    "note",
    "number",  "ocean",  "often",   "old",    "only",   "open",   "order",  "other",    "over",   "own",      "page",
    "paper",   "part",   "people",  "place",  "plan",   "plant",  "play",   "point",    "power",  "press",    "put",
    "quick",   "rain",   "reach",   "read",   "real",   "right",  "river",  "road",     "rock",   "room",     "round",
    "run",     "same",   "school",  "sea",    "second", "see",    "seem",   "sentence", "set",    "ship",     "short",
    "should",  "show",   "side",    "small",  "snow",   "some",   "song",   "soon",     "sound",  "south",    "stand",
    "star",    "start",  "state",   "stay",   "step",   "still",  "stone",  "story",    "street", "strong",   "study",
    "such",    "sun",    "table",   "take",   "talk",   "tell",   "than",   "that",     "there",  "thing",    "think",
    "time",    "town",   "travel",  "tree",   "true",   "turn",   "under",  "until",    "voice",  "walk",     "warm",
    "watch",   "water",  "week",    "well",   "west",   "what",   "where",  "while",    "white",  "wind",     "winter",
    "with",    "wood",   "word",    "work",   "world",  "write",  "year",   "young"};

/// Streams of random numbers that do not meet.
enum Stream : std::uint64_t { prompt_length = 1, reply_length, system_choice, word_choice = 1 << 16 };

std::string words(std::uint64_t seed, std::uint64_t text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    if (i > 0) out += ' ';
    out += vocabulary[random_bits(seed, word_choice + text, static_cast<std::uint64_t>(i)) % vocabulary.size()];
  }
  return out;
}

LengthDistribution known(std::string_view text) {
  return *LengthDistribution::parse(text);
}

bool parse_number(std::string_view text, double& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

/// The k-th of n with probability ∝ 1/k.
int zipf(double fraction, int n) {
  double total = 0;
  for (int k = 1; k <= n; ++k) total += 1.0 / k;
  for (int k = 1; k < n; ++k) {
    fraction -= 1.0 / k / total;
    if (fraction < 0) return k - 1;
  }
  return n - 1;
}

}  // namespace

Result<LengthDistribution> LengthDistribution::parse(std::string_view text) {
  constexpr std::string_view prefix = "lognormal:";
  constexpr double longest = 1e6;
  LengthDistribution lengths;
  bool right = false;
  if (text.starts_with(prefix)) {
    lengths.kind_ = Kind::lognormal;
    const std::string_view rest = text.substr(prefix.size());
    const std::size_t colon = rest.find(':');
    right = colon != rest.npos && parse_number(rest.substr(0, colon), lengths.a_) &&
            parse_number(rest.substr(colon + 1), lengths.b_) && lengths.b_ >= 0 && lengths.b_ <= 5;
  } else if (const std::size_t dash = text.find('-'); dash != text.npos && dash > 0) {
    lengths.kind_ = Kind::uniform;
    right = parse_number(text.substr(0, dash), lengths.a_) && parse_number(text.substr(dash + 1), lengths.b_) &&
            lengths.a_ <= lengths.b_ && lengths.b_ <= longest;
  } else {
    right = parse_number(text, lengths.a_);
  }
  if (!right || lengths.a_ < 1 || lengths.a_ > longest)
    return fail(fmt::format("'{}' is no length", text), {}, "128, 64-512 or lognormal:128:0.8, from 1 to 1000000");
  return lengths;
}

int LengthDistribution::at(std::uint64_t seed, std::uint64_t stream, std::uint64_t i) const {
  double length = a_;
  if (kind_ == Kind::uniform) length = std::floor(a_ + random_fraction(seed, stream, i) * (std::floor(b_) - a_ + 1));
  if (kind_ == Kind::lognormal) length = a_ * std::exp(b_ * random_normal(seed, stream, i));
  return static_cast<int>(std::clamp(std::round(length), 1.0, 1e6));
}

PromptSource random_prompts(LengthDistribution lengths, LengthDistribution max_tokens, std::uint64_t seed) {
  return [=](std::uint64_t i) {
    return LoadPrompt{{{"user", words(seed, i, lengths.at(seed, prompt_length, i))}},
                      max_tokens.at(seed, reply_length, i)};
  };
}

PromptSource chat_trace(LengthDistribution max_tokens, std::uint64_t seed) {
  constexpr std::uint64_t conversations_at_once = 64, turns = 5, system_prompts = 8, system_words = 200;
  const LengthDistribution question = known("lognormal:24:0.8"), reply = known("lognormal:60:0.6");
  return [=](std::uint64_t i) {
    const std::uint64_t visit = i / conversations_at_once, turn = visit % turns;
    const std::uint64_t conversation = i % conversations_at_once + conversations_at_once * (visit / turns);
    const int system = zipf(random_fraction(seed, system_choice, conversation), system_prompts);
    LoadPrompt prompt;
    prompt.max_tokens = max_tokens.at(seed, reply_length, i);
    prompt.messages.push_back({"system", words(seed, static_cast<std::uint64_t>(system), system_words)});
    for (std::uint64_t t = 0; t <= turn; ++t) {
      // Texts of a conversation: question and reply of each turn, behind the system prompts.
      const std::uint64_t text = system_prompts + 2 * (conversation * turns + t);
      prompt.messages.push_back({"user", words(seed, text, question.at(seed, prompt_length, text))});
      if (t < turn)
        prompt.messages.push_back({"assistant", words(seed, text + 1, reply.at(seed, prompt_length, text + 1))});
    }
    return prompt;
  };
}

}  // namespace sw::loadtest
