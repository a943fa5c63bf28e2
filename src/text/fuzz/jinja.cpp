#include <cstddef>
#include <cstdint>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>

#include "text/jinja.hpp"

// A template from the fuzzer, rendered with a conversation that has tools, parts, null and missing fields, and with an
// empty one. Small limits keep a run short; exceeding them is an ordinary error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto context = nlohmann::ordered_json::parse(R"({
    "messages": [{"role": "system", "content": " Be brief. "}, {"role": "user", "content": "Zürich 🚀\n"},
                 {"role": "assistant", "content": null, "tool_calls": [
                   {"id": "abcdefghi", "function": {"name": "f", "arguments": {"a": 1, "b": [1.5, true, null]}}}]},
                 {"role": "tool", "content": [{"type": "text", "text": "t"}], "tool_call_id": "abcdefghi"}],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d",
               "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}}],
    "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>",
    "x": 7, "xs": [3, 1, 2], "d": {"b": 1, "a": [1, 2.0]}, "s": "a,b c\r\nd"})");
  static const auto empty = nlohmann::ordered_json::parse(R"({"messages": []})");

  const auto body = sw::jinja::compile({reinterpret_cast<const char*>(data), size});
  if (!body) return 0;
  const sw::jinja::Limits limits{.steps = 20'000, .bytes = 4 << 20, .output = 1 << 18};
  for (const auto* variables : {&context, &empty}) {
    (void)sw::jinja::render(*body, *variables, limits, [] { return std::tm{}; });
  }
  return 0;
}
