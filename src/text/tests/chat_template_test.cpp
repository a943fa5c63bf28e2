#include "text/chat_template.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "text/jinja.hpp"

namespace sw {
namespace {

using Json = nlohmann::ordered_json;

const std::filesystem::path kGoldens = std::filesystem::path(SPEEDWINS_SOURCE_DIR) / "tests/golden/chat_templates";
const std::filesystem::path kShared = std::filesystem::path(SPEEDWINS_SHARED_DIR) / "data/chat_templates";

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The moment at which the goldens were rendered.
std::tm golden_time() {
  std::tm time{};
  time.tm_year = 126;
  time.tm_mday = 2;
  time.tm_hour = 3;
  time.tm_min = 4;
  time.tm_sec = 5;
  time.tm_wday = 5;
  time.tm_yday = 1;
  return time;
}

Result<std::string> render(std::string_view source, const Json& context, const jinja::Limits& limits = {}) {
  SW_ASSIGN(const jinja::Body body, jinja::compile(source));
  return jinja::render(body, context, limits, golden_time);
}

void expect_golden(const Json& golden, const Result<std::string>& rendered) {
  if (golden.contains("error")) {
    EXPECT_FALSE(rendered.has_value()) << "Python raises " << golden["python"] << ", but this renders " << *rendered;
  } else {
    ASSERT_TRUE(rendered.has_value()) << rendered.error().message();
    EXPECT_EQ(*rendered, golden["expected"].get_ref<const std::string&>());
  }
}

/// Compares every case whose template lies in `folder`, and returns how many there were.
int compare_conversations(std::string_view prefix, const std::filesystem::path& folder) {
  const Json goldens = Json::parse(read(kGoldens / "conversations.json"));
  int compared = 0;
  for (const Json& golden : goldens["cases"]) {
    const std::string name = golden["template"];
    if (!name.starts_with(prefix)) continue;
    const std::string conversation = golden["conversation"];
    Json context = goldens["variants"][golden["variant"].get<std::size_t>()];
    context["messages"] = goldens["conversations"][conversation];
    context["bos_token"] = "<s>";
    context["eos_token"] = "</s>";
    SCOPED_TRACE(name + ", " + conversation + ", variant " + golden["variant"].dump());
    expect_golden(golden, render(read(folder / name.substr(prefix.size())), context));
    ++compared;
  }
  return compared;
}

TEST(ChatTemplate, RendersOwnTemplatesAsJinja2Does) {
  EXPECT_GE(compare_conversations("own/", kGoldens / "own"), 100);
}

TEST(ChatTemplate, RendersPublishedTemplatesAsJinja2Does) {
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << "the templates of published models are not at " << kShared;
  EXPECT_GE(compare_conversations("shared/", kShared), 100);
}

TEST(ChatTemplate, RendersEveryFeatureAsJinja2Does) {
  const Json goldens = Json::parse(read(kGoldens / "features.json"));
  EXPECT_GE(goldens["cases"].size(), 150u);
  for (const Json& golden : goldens["cases"]) {
    SCOPED_TRACE(golden["source"].get<std::string>());
    expect_golden(golden, render(golden["source"].get<std::string>(), goldens["context"]));
  }
}

TEST(ChatTemplate, TheMessageOfRaiseExceptionIsTheError) {
  const auto compiled = ChatTemplate::compile("first line\n  {{ raise_exception('roles must alternate') }}");
  ASSERT_TRUE(compiled.has_value());
  const auto rendered = compiled->render({{"messages", Json::array()}});
  ASSERT_FALSE(rendered.has_value());
  EXPECT_EQ(rendered.error().what, "roles must alternate");
  EXPECT_EQ(rendered.error().where, "chat template, line 2, column 6");
  EXPECT_FALSE(rendered.error().next.empty());
}

TEST(ChatTemplate, ASyntaxErrorNamesItsLineAndColumn) {
  const auto compiled = ChatTemplate::compile("é{{ 1 }}\n{% if true %}\nüü{{ 1 + }}");
  ASSERT_FALSE(compiled.has_value());
  EXPECT_EQ(compiled.error().where, "chat template, line 3, column 10");
}

TEST(ChatTemplate, OneCompiledTemplateRendersManyConversations) {
  const auto compiled = ChatTemplate::compile(
      "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}"
      "{% endfor %}{{ ns.n }}");
  ASSERT_TRUE(compiled.has_value());
  EXPECT_EQ(compiled->render({{"messages", {1, 2, 3}}}).value(), "3");
  EXPECT_EQ(compiled->render({{"messages", {1}}}).value(), "1");
}

TEST(ChatTemplate, VariablesThatAreNotAnObjectAreRefused) {
  const auto compiled = ChatTemplate::compile("x");
  ASSERT_TRUE(compiled.has_value());
  EXPECT_FALSE(compiled->render(Json::array()).has_value());
}

TEST(ChatTemplate, InvalidUtf8InATemplateIsRefused) {
  EXPECT_FALSE(ChatTemplate::compile("a\xff").has_value());
}

TEST(ChatTemplate, InvalidUtf8InAMessageNeverCrashesAndPassesThrough) {
  const std::string bytes = "\xf0\x9f\xff \xe4\xbd";
  EXPECT_EQ(render("{{ x }}|{{ x|trim }}|{{ x[::-1]|length }}|{{ x|upper }}", {{"x", bytes}}).value(),
            bytes + "|" + bytes + "|6|" + bytes);
}

std::string repeat(std::string_view text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

TEST(ChatTemplateLimits, EveryUnboundedTemplateEndsInAnError) {
  const std::map<std::string, std::string> hostile = {
      {"nested loops", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"},
      {"a doubling string",
       "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}"},
      {"a doubling list",
       "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}"},
      {"a huge repetition", "{{ 'x' * 99999999999 }}"},
      {"an overflowing repetition", "{{ 'xxxx' * 9223372036854775807 }}"},
      {"a huge list repetition", "{{ [1] * 99999999999 }}"},
      {"a huge range", "{{ range(9999999999)|length }}"},
      {"a huge width", "{{ 'x'.ljust(99999999999) }}"},
      {"a huge format width", "{{ '%99999999d' % 1 }}"},
      {"a huge indentation", "{{ 'x'|indent(99999999999, true) }}"},
      {"a macro that calls itself", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"},
      {"a recursive loop over itself", "{% set x = [1] %}{% for i in x recursive %}{{ loop(x) }}{% endfor %}"},
      {"a deep value", "{% set ns = namespace(x=1) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}"},
      {"a value that holds itself", "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns }}"},
      {"an exponential value",
       "{% set ns = namespace(x=1) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}"},
      {"an exponential comparison",
       "{% set a = namespace(x=1) %}{% set b = namespace(x=1) %}{% for i in range(99) %}{% set a.x = [a.x, a.x] %}"
       "{% set b.x = [b.x, b.x] %}{% endfor %}{{ a.x == b.x }}"},
      {"filters that call filters", "{{ 'a'|map(*(['map'] * 99999))|list }}"},
      {"deep brackets", repeat("{{ " + repeat("(", 5000) + "1" + repeat(")", 5000) + " }}", 1)},
      {"a long chain of operators", "{{ 1" + repeat(" + 1", 5000) + " }}"},
      {"a long chain of attributes", "{{ x" + repeat(".x", 5000) + " }}"},
      {"deep blocks", repeat("{% if true %}", 5000) + repeat("{% endif %}", 5000)},
      {"deep nots", "{{ " + repeat("not ", 5000) + "1 }}"},
      {"deep signs", "{{ " + repeat("-", 5000) + "1 }}"},
      {"deep targets", "{% set " + repeat("(", 5000) + "a" + repeat(")", 5000) + " = 1 %}"},
      {"an integer beyond 64 bits", "{{ 9223372036854775807 + 1 }}"},
  };
  for (const auto& [name, source] : hostile) {
    SCOPED_TRACE(name);
    const auto rendered = render(source, Json::object());
    ASSERT_FALSE(rendered.has_value());
    EXPECT_FALSE(rendered.error().where.empty());
  }
}

TEST(ChatTemplateLimits, OutputStopsAtItsBound) {
  const jinja::Limits limits{.output = 100};
  EXPECT_TRUE(render("{% for i in range(100) %}x{% endfor %}", Json::object(), limits).has_value());
  EXPECT_FALSE(render("{% for i in range(101) %}x{% endfor %}", Json::object(), limits).has_value());
}

TEST(ChatTemplateLimits, ADeepConversationIsRefusedBeforeRendering) {
  Json deep = 1;
  for (int i = 0; i < 1000; ++i) deep = Json::array({std::move(deep)});
  EXPECT_FALSE(render("x", {{"messages", std::move(deep)}}).has_value());
}

TEST(ChatTemplateLimits, NoTemplateReachesAnotherFile) {
  for (const std::string tag :
       {"include '/etc/passwd'", "import '/etc/passwd' as x", "from '/etc/passwd' import x", "extends '/etc/passwd'"}) {
    const auto compiled = ChatTemplate::compile("{% " + tag + " %}");
    ASSERT_FALSE(compiled.has_value());
    EXPECT_NE(compiled.error().what.find("cannot reach"), std::string::npos);
  }
}

}  // namespace
}  // namespace sw
