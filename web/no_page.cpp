#include "web_files.hpp"

#include <array>

namespace sw {
namespace {

constexpr std::string_view page = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Speed Wins</title>
<body style="font: 1rem/1.6 system-ui; max-width: 36rem; margin: 4rem auto; padding: 0 1rem">
<h1>Speed Wins is running</h1>
<p>The API answers under <code>/v1</code>, and <a href="/openapi.json">/openapi.json</a> describes it.</p>
<p>This program was built without its web interface, because npm or the packages from it were missing. To have it:
install Node 18 or later with npm, and run <code>./run</code> again with a network.</p>
)";

}  // namespace

std::span<const WebFile> web_files() {
  static const std::array<WebFile, 1> files{
      {{"/", "text/html; charset=utf-8", std::as_bytes(std::span(page)), {}, "\"no-page\""}}};
  return files;
}

}  // namespace sw
