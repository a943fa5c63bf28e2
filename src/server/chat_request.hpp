#pragma once

#include <string>
#include <vector>

#include "server/generation_request.hpp"

namespace sw {

/// Which calls the answer may or must have.
struct ToolChoice {
  enum class Kind { none, automatic, required, function } kind = Kind::automatic;
  std::string function;  ///< of Kind::function
};

/// A chat as templates read it.
struct Chat {
  Json messages = Json::array();
  Json tools = Json::array();             ///< OpenAI's form; empty: none
  Json template_kwargs = Json::object();  ///< more variables of the template
};

struct ChatRequest {
  GenerationFields common;
  Chat chat;
  ToolChoice tool_choice;
  bool parallel_tool_calls = true;
};

Api<ChatRequest> read_chat_request(const Json& body);
/// `messages` of any request, checked and brought into the form templates expect: text joined, a developer's message
/// as the system's, the arguments of calls as objects.
Api<Json> read_messages(const Json& messages);

}  // namespace sw
