#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace sw {

/// One file of the page, as an HTTP server answers with it.
struct WebFile {
  std::string_view path;          ///< of the address, beginning with "/"; several paths may have the same bytes
  std::string_view content_type;  ///< with charset
  std::span<const std::byte> bytes;
  std::span<const std::byte> gzip_bytes;  ///< the same, compressed; empty where that saves nothing
  std::string_view etag;                  ///< quoted, of the bytes: files under /assets/ never change under their name
};

/// Sorted by path.
std::span<const WebFile> web_files();

}  // namespace sw
