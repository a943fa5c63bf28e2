#include <algorithm>
#include <string_view>

#include "server/service.hpp"
#include "web_files.hpp"

namespace sw {
namespace {

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

http::Response answer(const http::Request& request) {
  const auto files = web_files();
  const auto file = std::lower_bound(files.begin(), files.end(), request.path,
                                     [](const WebFile& f, const std::string& path) { return f.path < path; });
  if (file == files.end() || file->path != request.path)
    return http::error_response(404, "there is nothing at " + request.path, "not_found");
  http::Response response;
  response.content_type = file->content_type;
  response.headers = {
      {"ETag", std::string(file->etag)},
      {"Cache-Control", request.path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache"},
      {"Vary", "Accept-Encoding"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"}};
  if (!file->etag.empty() && request.header("If-None-Match").find(file->etag) != std::string_view::npos) {
    response.status = 304;
    return response;
  }
  if (!file->gzip_bytes.empty() && request.header("Accept-Encoding").find("gzip") != std::string_view::npos) {
    response.headers.push_back({"Content-Encoding", "gzip"});
    response.fixed_body = text_of(file->gzip_bytes);
  } else {
    response.fixed_body = text_of(file->bytes);
  }
  return response;
}

}  // namespace

void mount_page(http::Router& router) {
  router.add({"GET", "/{path...}", http::answer_with(answer), http::Access::open, http::Where::io});
}

}  // namespace sw
