#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace sw::loadtest {

/// One message of a request.
struct LoadMessage {
  std::string role, content;
};
struct LoadPrompt {
  std::vector<LoadMessage> messages;
  int max_tokens = 0;  ///< 0: what the test asks for
};
/// The prompt of the i-th request: a function, so that threads need not agree on anything.
using PromptSource = std::function<LoadPrompt(std::uint64_t i)>;

/// A number of words or tokens: "128" always, "64-512" uniform, "lognormal:128:0.8" with median 128 and σ = 0.8 of the
/// logarithm (how lengths of real conversations are spread).
class LengthDistribution {
 public:
  static Result<LengthDistribution> parse(std::string_view text);
  /// The i-th length of a stream, from 1 to 1,000,000.
  int at(std::uint64_t seed, std::uint64_t stream, std::uint64_t i) const;

 private:
  enum class Kind { constant, uniform, lognormal };
  Kind kind_ = Kind::constant;
  double a_ = 1, b_ = 0;
};

/// Common English words at random, a different text for every request: nothing of it can be answered from a cache. A
/// word is about 1.3 tokens of a model's vocabulary.
PromptSource random_prompts(LengthDistribution words, LengthDistribution max_tokens, std::uint64_t seed);

/// Conversations that share what real ones share. 64 are under way at any time and take turns; each has five turns of
/// the user, and each turn sends all of it again: one of 8 system prompts of 200 words (the k-th with probability
/// ∝ 1/k, Zipf's law), then the earlier questions (lognormal:24:0.8 words) with replies (lognormal:60:0.6), then the
/// new question. When a conversation ends another takes its place. Replies are made up here, not the server's, so that
/// the load does not depend on who is measured.
PromptSource chat_trace(LengthDistribution max_tokens, std::uint64_t seed);

/// Prompts from a file, from the first again after the last: lines of text, or of JSON objects with "prompt" or
/// "messages", optionally "max_tokens".
Result<PromptSource> prompts_from_file(const std::filesystem::path& file);

/// A recorded trace: JSONL in order of time with "at" (seconds) or "timestamp" (milliseconds), and a prompt as above or
/// its length in words, "input_length". "output_length" means the same as "max_tokens".
struct RecordedTrace {
  std::vector<double> at_s;  ///< from the first line's instant
  PromptSource prompts;
};
Result<RecordedTrace> read_trace(const std::filesystem::path& file, std::uint64_t seed);

}  // namespace sw::loadtest
