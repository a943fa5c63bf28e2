#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "decode/byte_expression.hpp"
#include "server/chat_request.hpp"

namespace sw {

/// How a model writes calls, which its chat template tells.
enum class ToolFormat {
  none,    ///< the template knows no tools
  tagged,  ///< <tool_call>\n{"name": …, "arguments": …}\n</tool_call> (Hermes, Qwen)
  json,    ///< the whole answer is {"name": …, "parameters": …} (Llama 3)
};
ToolFormat tool_format_of(std::string_view chat_template);

struct ToolCall {
  std::string name;
  std::string arguments;  ///< JSON
};

/// Takes calls out of a streamed answer. Text that may yet become a call is held back; what only looked like one comes
/// out as text.
class ToolCallParser {
 public:
  explicit ToolCallParser(ToolFormat format) : format_(format) {}

  struct Piece {
    std::string text;
    std::vector<ToolCall> calls;
  };
  Piece push(std::string_view text);
  Piece finish();
  bool found_calls() const { return n_calls_ > 0; }

 private:
  void take_tagged(Piece& piece);

  ToolFormat format_;
  std::string held_;
  int n_calls_ = 0;
  bool is_text_ = false;  // json: the answer is none
};

/// The rules of a grammar whose texts are calls of the tools, at least one; several where `parallel`. Each tool's
/// arguments satisfy its schema.
Api<std::vector<Expression>> tool_call_rules(const Json& tools, const ToolChoice& choice, ToolFormat format,
                                             bool parallel);

}  // namespace sw
