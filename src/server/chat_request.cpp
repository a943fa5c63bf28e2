#include "server/chat_request.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace sw {
namespace {

Api<std::string> read_part(const Json& part, const std::string& path) {
  if (!part.is_object() || !part.contains("type") || !part["type"].is_string())
    return refuse(400, path + " must be an object with a type", "invalid_value", path);
  const auto& type = part["type"].get_ref<const std::string&>();
  if (type == "text") {
    if (!part.contains("text") || !part["text"].is_string())
      return refuse(400, path + ".text must be a string", "invalid_value", path + ".text");
    return part["text"].get<std::string>();
  }
  if (type == "refusal") return part.value("refusal", std::string());
  const std::string what = type.find("audio") != std::string::npos   ? "audio"
                           : type.find("image") != std::string::npos ? "images"
                           : type.find("video") != std::string::npos ? "video"
                           : type == "file"                          ? "files"
                                                                     : "parts of type '" + type + "'";
  return refuse(400,
                fmt::format("{} is of type '{}': the models of this server read text only, not {}", path, type, what),
                "unsupported_content", path);
}

Api<std::string> read_content(const Json& message, const std::string& path) {
  const auto content = message.find("content");
  if (content == message.end() || content->is_null()) return std::string();
  if (content->is_string()) return content->get<std::string>();
  const std::string here = path + ".content";
  if (!content->is_array()) return refuse(400, here + " must be a string or a list of parts", "invalid_value", here);
  std::string text;
  for (std::size_t i = 0; i < content->size(); ++i) {
    SW_ASSIGN(const std::string part, read_part((*content)[i], fmt::format("{}[{}]", here, i)));
    text += part;
  }
  return text;
}

/// Arguments come as a string of JSON; templates write them as JSON again, which would quote them twice.
Api<Json> read_calls(const Json& calls, const std::string& path) {
  if (!calls.is_array()) return refuse(400, path + " must be a list", "invalid_value", path);
  Json out = Json::array();
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const std::string here = fmt::format("{}[{}].function", path, i);
    const Json& call = calls[i];
    if (!call.is_object() || !call.contains("function") || !call["function"].is_object() ||
        !call["function"].contains("name") || !call["function"]["name"].is_string())
      return refuse(400, here + " must be an object with a name", "invalid_value", here);
    Json arguments = Json::object();
    if (const auto given = call["function"].find("arguments"); given != call["function"].end()) {
      if (given->is_string()) {
        const auto& text = given->get_ref<const std::string&>();
        auto parsed = text.empty() ? Api<Json>(Json::object()) : parse_body(text);
        if (!parsed) return refuse(400, here + ".arguments: " + parsed.error().message, "invalid_value", here);
        arguments = std::move(*parsed);
      } else if (given->is_object()) {
        arguments = *given;
      } else {
        return refuse(400, here + ".arguments must be a string of JSON", "invalid_value", here);
      }
    }
    out.push_back({{"id", call.contains("id") && call["id"].is_string() ? call["id"] : Json("")},
                   {"type", "function"},
                   {"function", {{"name", call["function"]["name"]}, {"arguments", std::move(arguments)}}}});
  }
  return out;
}

Api<Json> read_message(const Json& message, const std::string& path) {
  if (!message.is_object()) return refuse(400, path + " must be an object", "invalid_value", path);
  Fields fields(message, path);
  std::string role, name, call_id;
  fields.read("role", role);
  fields.read("name", name);
  fields.read("tool_call_id", call_id);
  SW_TRY(fields.status());
  constexpr const char* roles[] = {"system", "developer", "user", "assistant", "tool"};
  if (std::find(std::begin(roles), std::end(roles), role) == std::end(roles))
    return refuse(400, fmt::format("{}.role is '{}', not system, developer, user, assistant or tool", path, role),
                  "invalid_value", path + ".role");
  SW_ASSIGN(std::string content, read_content(message, path));
  Json out = {{"role", role == "developer" ? "system" : role}, {"content", std::move(content)}};
  if (!name.empty()) out["name"] = name;
  if (!call_id.empty()) out["tool_call_id"] = call_id;
  if (const Json* calls = fields.find("tool_calls")) {
    SW_ASSIGN(out["tool_calls"], read_calls(*calls, path + ".tool_calls"));
    if (out["tool_calls"].empty()) out.erase("tool_calls");
  }
  return out;
}

Api<Json> read_tools(const Json& tools) {
  if (!tools.is_array() || tools.size() > 128)
    return refuse(400, "tools must be a list of at most 128", "invalid_value", "tools");
  Json out = Json::array();
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const std::string path = fmt::format("tools[{}]", i);
    const Json& tool = tools[i];
    if (!tool.is_object() || tool.value("type", Json()) != "function" || !tool.contains("function") ||
        !tool["function"].is_object())
      return refuse(400, path + " must be {\"type\": \"function\", \"function\": {…}}", "invalid_value", path);
    Fields fields(tool["function"], path + ".function");
    std::string name, description;
    fields.read("name", name);
    fields.read("description", description);
    SW_TRY(fields.status());
    if (name.empty() || name.size() > 64)
      return refuse(400, path + ".function.name must have 1 to 64 characters", "invalid_value",
                    path + ".function.name");
    Json parameters = tool["function"].value("parameters", Json());
    if (parameters.is_null()) parameters = {{"type", "object"}, {"properties", Json::object()}};
    if (!parameters.is_object())
      return refuse(400, path + ".function.parameters must be a JSON schema", "invalid_value",
                    path + ".function.parameters");
    out.push_back(
        {{"type", "function"},
         {"function", {{"name", name}, {"description", description}, {"parameters", std::move(parameters)}}}});
  }
  return out;
}

Api<ToolChoice> read_tool_choice(const Json& choice, const Json& tools) {
  using Kind = ToolChoice::Kind;
  const auto wrong = [](const std::string& message) {
    return refuse(400, "tool_choice " + message, "invalid_value", "tool_choice");
  };
  if (choice.is_string()) {
    const auto& name = choice.get_ref<const std::string&>();
    if (name == "none") return ToolChoice{Kind::none, {}};
    if (name == "auto") return ToolChoice{Kind::automatic, {}};
    if (name != "required") return wrong("must be none, auto, required or a function");
    if (tools.empty()) return wrong("is 'required', but there are no tools");
    return ToolChoice{Kind::required, {}};
  }
  if (!choice.is_object() || !choice.contains("function") || !choice["function"].is_object() ||
      !choice["function"].contains("name") || !choice["function"]["name"].is_string())
    return wrong("must be none, auto, required or {\"type\": \"function\", \"function\": {\"name\": …}}");
  const std::string name = choice["function"]["name"].get<std::string>();
  const bool known =
      std::any_of(tools.begin(), tools.end(), [&](const Json& tool) { return tool["function"]["name"] == name; });
  if (!known) return wrong(fmt::format("names '{}', which is not among the tools", name));
  return ToolChoice{Kind::function, name};
}

}  // namespace

Api<Json> read_messages(const Json& messages) {
  if (!messages.is_array() || messages.empty())
    return refuse(400, "messages must be a list of at least one", "invalid_value", "messages");
  Json out = Json::array();
  for (std::size_t i = 0; i < messages.size(); ++i) {
    SW_ASSIGN(Json message, read_message(messages[i], fmt::format("messages[{}]", i)));
    out.push_back(std::move(message));
  }
  return out;
}

Api<ChatRequest> read_chat_request(const Json& body) {
  ChatRequest asked;
  SW_ASSIGN(asked.common, read_generation_fields(body));
  Request& request = asked.common.request;
  Fields fields(body);
  const Json* messages = fields.find("messages");
  if (!messages) return refuse(400, "messages is missing", "missing_field", "messages");
  SW_ASSIGN(asked.chat.messages, read_messages(*messages));

  constexpr int most = 1 << 24;
  if (fields.find("max_completion_tokens"))
    fields.read("max_completion_tokens", request.max_tokens, 1, most);
  else
    fields.read("max_tokens", request.max_tokens, 1, most);
  bool logprobs = false;
  int top = 0;
  fields.read("logprobs", logprobs);
  fields.read("top_logprobs", top, 0, 20);
  if (top > 0 && !logprobs) fields.reject("top_logprobs", "needs logprobs to be true");
  if (logprobs) request.sampling.top_logprobs = top;
  fields.read("parallel_tool_calls", asked.parallel_tool_calls);
  if (const Json* kwargs = fields.find("chat_template_kwargs")) {
    if (!kwargs->is_object()) fields.reject("chat_template_kwargs", "must be an object");
    asked.chat.template_kwargs = *kwargs;
  }
  if (fields.find("functions")) fields.reject("functions", "is OpenAI's old form; use tools");
  if (fields.find("audio")) fields.reject("audio", "is not supported: the models of this server write text only");
  if (const Json* modalities = fields.find("modalities"))
    if (*modalities != Json::array({"text"}))
      fields.reject("modalities", "must be [\"text\"]: the models of this server write text only");
  SW_TRY(fields.status());

  if (const Json* tools = fields.find("tools")) {
    SW_ASSIGN(asked.chat.tools, read_tools(*tools));
  }
  if (const Json* choice = fields.find("tool_choice")) {
    SW_ASSIGN(asked.tool_choice, read_tool_choice(*choice, asked.chat.tools));
  }
  if (asked.tool_choice.kind == ToolChoice::Kind::none) asked.chat.tools = Json::array();
  return asked;
}

}  // namespace sw
