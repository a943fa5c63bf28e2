#include "game/documents.hpp"

namespace sw::game {

std::vector<Document> documents(std::span<const ContentFile> files) {
  constexpr std::string_view folder = "documents/", ending = ".md";
  std::vector<Document> out;
  for (const ContentFile& file : files) {
    if (!file.path.starts_with(folder) || !file.path.ends_with(ending)) continue;
    const std::string_view id = file.path.substr(folder.size(), file.path.size() - folder.size() - ending.size());
    Document document{std::string(id), std::string(id), file.text};
    if (file.text.starts_with("# ")) document.title = file.text.substr(2, file.text.find('\n') - 2);
    out.push_back(std::move(document));
  }
  return out;
}

}  // namespace sw::game
