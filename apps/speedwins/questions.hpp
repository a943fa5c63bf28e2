#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "decode/chat_prompt.hpp"

namespace sw {

/// A message of a conversation. Without content: an answer that is to be written.
struct Turn {
  std::string role;
  std::optional<std::string> content;
};

/// A conversation that ends with an answer to be written, and may have more of them before it.
using OpenConversation = std::vector<Turn>;

/// Which answers of a conversation are to be written anew.
enum class OpenAnswers { last, every };

/// Reads JSONL, one {"prompt": …} or {"messages": […]} a line.
Result<std::vector<OpenConversation>> read_questions(const std::string& path, OpenAnswers open);

/// What was said before the first answer that is to be written.
std::vector<Message> before_answer(const OpenConversation& conversation);
/// Whether an answer is left to be written.
bool is_open(const OpenConversation& conversation);
/// Writes the first answer that is left.
void write_answer(OpenConversation& conversation, std::string answer);
/// Leaves out everything after the last answer before the first that is left.
void cut(OpenConversation& conversation);
/// A line of JSONL with all messages, which must be written.
std::string to_line(const OpenConversation& conversation);

/// How many conversations the file holds already, which must be the first of `questions` with their answers, or with the
/// first of them. Half a line, as a killed program leaves it, is cut off.
Result<std::size_t> answered(const std::string& path, const std::vector<OpenConversation>& questions);

}  // namespace sw
