#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "game/content.hpp"

namespace sw::game {

/// A Markdown text of `content/documents`.
struct Document {
  std::string id;     ///< the file's name without ".md"
  std::string title;  ///< its first heading, else the id
  std::string_view markdown;
};

std::vector<Document> documents(std::span<const ContentFile> files);

}  // namespace sw::game
