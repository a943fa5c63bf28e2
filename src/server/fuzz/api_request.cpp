// Reads hostile bodies as each of the API's requests.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/chat_request.hpp"
#include "server/completion_request.hpp"
#include "server/http/message.hpp"
#include "server/tool_calls.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1 << 16) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string path;
  std::vector<sw::http::Field> query;
  sw::http::parse_target(text, path, query);
  for (const auto format : {sw::ToolFormat::tagged, sw::ToolFormat::json}) {
    sw::ToolCallParser parser(format);
    parser.push(text.substr(0, size / 2));
    parser.push(text.substr(size / 2));
    parser.finish();
  }
  const auto body = sw::parse_body(text);
  if (!body) return 0;
  if (const auto chat = sw::read_chat_request(*body); chat && !chat->chat.tools.empty())
    for (const auto kind : {sw::ToolChoice::Kind::required, sw::ToolChoice::Kind::automatic})
      static_cast<void>(sw::tool_call_rules(chat->chat.tools, {kind, {}}, sw::ToolFormat::tagged, true));
  static_cast<void>(sw::read_completion_request(*body));
  static_cast<void>(sw::read_embeddings_request(*body));
  return 0;
}
