#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "game/embedded_content.hpp"
#include "game/rules.hpp"
#include "game/validate.hpp"

/// Any bytes in place of one file of the content (chosen by the first byte) are either refused with a reason and a
/// place, or give a game that can be begun and judged.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sw::game;
  if (size == 0) return 0;
  static const auto real = embedded_content();
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  constexpr std::string_view replaceable[] = {
      "concepts/mathematics.toml", "misconceptions.toml", "paths.toml",     "achievements.toml",
      "challenges.toml",           "modules.toml",        "categories.toml"};
  const std::string_view path = replaceable[data[0] % std::size(replaceable)];
  std::vector<ContentFile> files;
  for (const ContentFile& file : real) {
    const bool is_concepts = file.path.starts_with("concepts/");
    if (file.path == path || is_concepts || file.path.ends_with(".md")) continue;
    if (file.path == "modules.toml" || file.path == "categories.toml") files.push_back(file);
  }
  constexpr std::string_view one_start =
      "category = \"mathematics\"\n[[concept]]\nid = \"a\"\nname = \"A\"\nemoji = \"a\"\nmodule = 0\ndifficulty = 1\n"
      "start = true\nwhat = \"A.\"\nwhy = \"A.\"\ncost = \"A.\"\nwhen_not = \"A.\"\ncomplexity = \"1\"\nimproves = "
      "\"a\"\n"
      "costs = \"a\"\ngeneralizes = \"a\"\nnext_bottleneck = \"A b\"\nfailure_modes = []\nfigures = []\npapers = []\n"
      "code = []\nprerequisites = []\nrecipes = []\n";
  if (path != "concepts/mathematics.toml") files.push_back({"concepts/mathematics.toml", one_start});
  files.push_back({path, text});
  const auto content = parse_content(files);
  if (!content) {
    if (content.error().what.empty() || content.error().where.empty()) std::abort();
    return 0;
  }
  (void)validate(*content);
  State state = new_game(*content, 1);
  (void)apply(*content, state, {AskHint{}, 1});
  (void)apply(*content, state, {TakeChallenge{0, 0, 1}, 1});
  return 0;
}
