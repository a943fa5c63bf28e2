#include <algorithm>
#include <array>

#include "text/tokenizer_gguf.hpp"

namespace sw {

std::vector<TokenId> find_stop_ids(const TokenizerSpec& spec) {
  // The texts llama.cpp ends a generation at (llama-vocab.cpp, special_eog_ids).
  static constexpr auto endings =
      std::to_array<std::string_view>({"</s>", "<eos>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>",
                                       "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<end_of_turn>", "<turn|>",
                                       "<EOT>", "[EOT]", "[EOS]", "<end_of_utterance>", "<｜end▁of▁sentence｜>"});
  std::vector<TokenId> ids;
  if (spec.eos) ids.push_back(*spec.eos);
  for (const AddedToken& token : spec.added) {
    if (token.special && std::ranges::find(endings, token.content) != endings.end()) ids.push_back(token.id);
  }
  // A model that returns and calls ends its messages, not its turn, with <|end|> (OpenAI's harmony format).
  const auto find = [&](std::string_view text) {
    const auto found = std::ranges::find(spec.added, text, &AddedToken::content);
    return found == spec.added.end() ? -1 : found->id;
  };
  if (find("<|return|>") >= 0 && find("<|call|>") >= 0) std::erase(ids, find("<|end|>"));
  std::ranges::sort(ids);
  ids.erase(std::ranges::unique(ids).begin(), ids.end());
  return ids;
}

}  // namespace sw
