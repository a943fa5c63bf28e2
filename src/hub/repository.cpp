#include "hub/repository.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "hub/http_client.hpp"

namespace sw {
namespace {

constexpr std::size_t max_listing_bytes = 64u << 20;
constexpr int max_pages = 1000;

bool is_hex(std::string_view text, std::size_t length) {
  return text.size() == length &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

/// "model-00002-of-00003.gguf" → "model.gguf"; other names as they are.
std::string without_part(const std::string& path) {
  const std::size_t of = path.rfind("-of-");
  if (of == std::string::npos || of < 6 || path.size() < of + 9) return path;
  return path.substr(0, of - 6) + path.substr(of + 9);
}

std::vector<RemoteFile> parts_of(const std::vector<RemoteFile>& files, const std::string& path) {
  std::vector<RemoteFile> parts;
  for (const RemoteFile& file : files)
    if (without_part(file.path) == without_part(path)) parts.push_back(file);
  return parts;
}

std::string names_of(const std::vector<RemoteFile>& files) {
  std::string names;
  for (const RemoteFile& file : files) names += (names.empty() ? "" : ", ") + file.path;
  return names;
}

/// The address in `<…>; rel="next"`.
std::optional<std::string> next_page(std::string_view link) {
  const std::size_t rel = link.find("rel=\"next\"");
  if (rel == link.npos) return std::nullopt;
  const std::size_t open = link.rfind('<', rel), close = link.find('>', open == link.npos ? rel : open);
  if (open == link.npos || close == link.npos || close > rel) return std::nullopt;
  return std::string(link.substr(open + 1, close - open - 1));
}

Status explain_status(int status, const std::string& repository, bool has_token) {
  if (status == 200) return {};
  if (status == 401 || status == 403)
    return fail(fmt::format("the hub refuses access (HTTP {})", status), repository, "a public repository",
                has_token ? "Check that HF_TOKEN is valid and that its owner accepted the model's licence"
                          : "Check the name; for a private or gated model set HF_TOKEN");
  if (status == 404) return fail("the hub has no such repository (HTTP 404)", repository, {}, "Check the name");
  return fail(fmt::format("the hub answered with HTTP {}", status), repository, "200", "Try again later");
}

}  // namespace

Hub Hub::from_environment() {
  Hub hub;
  const auto read = [](const char* name, std::string& value) {
    if (const char* text = std::getenv(name); text && *text) value = text;
  };
  read("HF_ENDPOINT", hub.endpoint);
  read("SPEEDWINS_HUB", hub.endpoint);
  read("HF_TOKEN", hub.token);
  while (hub.endpoint.ends_with('/')) hub.endpoint.pop_back();
  return hub;
}

Status check_path(std::string_view path) {
  const auto refuse = [&] {
    return fail(fmt::format("'{}' is no path inside a repository", path), "repository listing",
                "a relative path without '..'");
  };
  if (path.empty() || path.size() > 1024) return refuse();
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.size() > 200) return refuse();
    begin = end + 1;
  }
  if (std::ranges::any_of(path, [](char c) { return c == '\\' || c == '\x7f' || (c >= 0 && c < ' '); }))
    return refuse();
  return {};
}

Status check_repository(std::string_view repository) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '/';
  };
  if (!check_path(repository) || !std::ranges::all_of(repository, is_allowed) ||
      std::ranges::count(repository, '/') > 1 || repository.starts_with('.') ||
      repository.find("/.") != repository.npos)
    return fail(fmt::format("'{}' is no repository name", repository), {}, "owner/name");
  return {};
}

Result<std::vector<RemoteFile>> parse_listing(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_array())
    return fail("is not a list of files", "the hub's listing", "a JSON array", "Is this a hub's address?");
  std::vector<RemoteFile> files;
  for (const auto& entry : json) {
    if (!entry.is_object()) return fail("holds something that is no entry", "the hub's listing");
    const auto string = [](const nlohmann::json& object, const char* key) {
      const auto found = object.find(key);
      return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    if (string(entry, "type") != "file") continue;
    RemoteFile file{string(entry, "path"), 0, {}, string(entry, "oid")};
    SW_TRY(check_path(file.path));
    const auto size = entry.find("size");
    if (size == entry.end() || !size->is_number_unsigned())
      return fail("the size is missing or no number", "the hub's listing, " + file.path);
    file.size = size->get<std::uint64_t>();
    if (const auto lfs = entry.find("lfs"); lfs != entry.end() && lfs->is_object()) {
      file.git_blob.clear();
      file.sha256 = string(*lfs, "oid");
      if (!is_hex(file.sha256, 64)) return fail("the checksum is no SHA-256", "the hub's listing, " + file.path);
    } else if (!is_hex(file.git_blob, 40)) {
      return fail("the checksum is no git id", "the hub's listing, " + file.path);
    }
    files.push_back(std::move(file));
  }
  return files;
}

Result<std::vector<RemoteFile>> list_files(const Hub& hub, const std::string& repository, const std::string& revision) {
  SW_TRY(check_repository(repository));
  SW_ASSIGN(Url url, Url::parse(fmt::format("{}/api/models/{}/tree/{}?recursive=1", hub.endpoint, repository,
                                            escape_path(revision))));
  const Url first = url;
  std::vector<RemoteFile> files;
  for (int page = 0; page < max_pages; ++page) {
    std::string body;
    const HttpSink sink{
        .on_header =
            [&](const HttpHeader& header) { return explain_status(header.status, repository, !hub.token.empty()); },
        .on_body = [&](std::string_view bytes) -> Status {
          body += bytes;
          if (body.size() > max_listing_bytes) return fail("the listing is too long", url.text(), "at most 64 MiB");
          return {};
        }};
    SW_ASSIGN(const HttpHeader header, http_get({.url = url, .token = url.same_origin(first) ? hub.token : ""}, sink));
    SW_ASSIGN(auto listed, parse_listing(body));
    files.insert(files.end(), listed.begin(), listed.end());
    const auto next = next_page(header.link);
    if (!next) return files;
    SW_ASSIGN(url, url.resolve(*next));
  }
  return fail("the listing has no end", first.text());
}

Result<std::vector<RemoteFile>> choose_files(const std::vector<RemoteFile>& files, const std::string& wanted) {
  if (!wanted.empty()) {
    for (const RemoteFile& file : files)
      if (file.path == wanted) return parts_of(files, wanted);
    return fail(fmt::format("the repository has no file '{}'", wanted), {}, "one of " + names_of(files));
  }

  std::vector<RemoteFile> models;
  for (const RemoteFile& file : files)
    if (lower(file.path).ends_with(".gguf") && lower(file.path).find("mmproj") == std::string::npos)
      models.push_back(file);
  if (!models.empty()) {
    constexpr std::array preferred = {"q4_k_m", "q4_0", "q4_k_s", "q5_k_m", "q6_k", "q8_0", "f16", "bf16"};
    for (const char* type : preferred)
      for (const RemoteFile& file : models)
        if (lower(file.path).find(type) != std::string::npos) return parts_of(models, file.path);
    auto parts = parts_of(models, models.front().path);
    if (parts.size() == models.size()) return parts;
    return fail("several models to choose from", {}, "--file with one of " + names_of(models));
  }

  constexpr std::array companions = {"config.json",           "generation_config.json",       "tokenizer.json",
                                     "tokenizer_config.json", "special_tokens_map.json",      "tokenizer.model",
                                     "chat_template.jinja",   "model.safetensors.index.json", "chat_template.json"};
  std::vector<RemoteFile> chosen;
  bool has_config = false, has_weights = false;
  for (const RemoteFile& file : files) {
    // Some repositories hold the same weights a second time ("consolidated.safetensors").
    const bool is_weights = file.path.starts_with("model") && file.path.ends_with(".safetensors") &&
                            file.path.find('/') == std::string::npos;
    if (!is_weights && std::ranges::find(companions, file.path) == companions.end()) continue;
    has_config |= file.path == "config.json";
    has_weights |= is_weights;
    chosen.push_back(file);
  }
  if (!has_config || !has_weights)
    return fail("the repository holds no model this program can run", {},
                "a GGUF file, or config.json and safetensors");
  return chosen;
}

}  // namespace sw
