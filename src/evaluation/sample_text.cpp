#include "evaluation/sample_text.hpp"

#include <random>

#include "tasks/suite.hpp"

namespace sw {

Result<std::string> sample_text() {
  SW_ASSIGN(const std::vector<TaskItem> items, task_suite());
  std::string text;
  for (const TaskItem& item : items) text += item.prompt + '\n';
  return text;
}

Result<std::vector<TokenId>> sample_prompt(const Model& model, int n, int index) {
  const auto size = static_cast<std::size_t>(n);
  std::vector<TokenId> prompt;
  prompt.reserve(size);
  if (!model.tokenizer) {
    std::mt19937 generator(static_cast<unsigned>(index + 1));
    while (prompt.size() < size)
      prompt.push_back(static_cast<TokenId>(generator() % static_cast<unsigned>(model.spec.vocab)));
    return prompt;
  }
  SW_ASSIGN(const std::string text, sample_text());
  SW_ASSIGN(const std::vector<TokenId> tokens,
            model.tokenizer->encode(text, {.add_special = false, .parse_special = false}));
  constexpr std::size_t stride = 997;  // a prime: no two of a batch begin alike
  for (std::size_t i = 0; i < size; ++i)
    prompt.push_back(tokens[(static_cast<std::size_t>(index) * stride + i) % tokens.size()]);
  return prompt;
}

}  // namespace sw
