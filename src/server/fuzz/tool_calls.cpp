// Answers with calls in them, right and wrong: the calls, and the text but for white space around them, are the same
// however the answer is cut, and nothing of an answer without calls is lost. The first byte says where it is cut.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/tool_calls.hpp"

namespace {

std::string without_blanks(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return text;
}

struct Read {
  std::string text;
  std::vector<sw::ToolCall> calls;

  void add(sw::ToolCallParser::Piece piece) {
    text += piece.text;
    for (sw::ToolCall& call : piece.calls) calls.push_back(std::move(call));
  }
  bool operator==(const Read& other) const {
    if (without_blanks(text) != without_blanks(other.text) || calls.size() != other.calls.size()) return false;
    for (std::size_t i = 0; i < calls.size(); ++i)
      if (calls[i].name != other.calls[i].name || calls[i].arguments != other.calls[i].arguments) return false;
    return true;
  }
};

Read read(sw::ToolFormat format, std::string_view answer, std::size_t step) {
  sw::ToolCallParser parser(format);
  Read out;
  for (std::size_t at = 0; at < answer.size(); at += step) out.add(parser.push(answer.substr(at, step)));
  out.add(parser.finish());
  if (parser.found_calls() != !out.calls.empty()) std::abort();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 1 << 13) return 0;
  const std::string_view answer(reinterpret_cast<const char*>(data + 1), size - 1);
  for (const auto format : {sw::ToolFormat::none, sw::ToolFormat::tagged, sw::ToolFormat::json}) {
    const Read whole = read(format, answer, answer.size() + 1);
    if (!(read(format, answer, 1 + data[0] % 16) == whole)) std::abort();
    if (whole.calls.empty() && whole.text != answer) std::abort();
  }
  return 0;
}
