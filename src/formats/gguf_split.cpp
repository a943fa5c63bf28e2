#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <optional>

#include "formats/gguf.hpp"
#include "formats/layout.hpp"

namespace sw {
namespace {

/// "model-00002-of-00003.gguf": part 2 (counted from 1) of 3 of "model".
struct PartName {
  std::string prefix;
  int part = 0;
  int count = 0;
};

std::optional<PartName> parse_part_name(std::string_view file) {
  constexpr std::string_view pattern = "-00000-of-00000.gguf";
  if (file.size() <= pattern.size()) return std::nullopt;
  const std::string_view suffix = file.substr(file.size() - pattern.size());
  PartName name{std::string(file.substr(0, file.size() - pattern.size())), 0, 0};
  const auto digits = [&](std::size_t at, int& value) {
    const char* end = suffix.data() + at + 5;
    return std::from_chars(suffix.data() + at, end, value).ptr == end;
  };
  if (suffix[0] != '-' || suffix.substr(6, 4) != "-of-" || suffix.substr(15) != ".gguf") return std::nullopt;
  if (!digits(1, name.part) || !digits(10, name.count)) return std::nullopt;
  if (name.part < 1 || name.part > name.count) return std::nullopt;
  return name;
}

std::filesystem::path part_path(const std::filesystem::path& folder, const PartName& name, int part) {
  return folder / fmt::format("{}-{:05}-of-{:05}.gguf", name.prefix, part, name.count);
}

Result<Checkpoint> read_one(const std::filesystem::path& path) {
  SW_ASSIGN(auto opened, MappedFile::open(path));
  auto file = std::make_shared<const MappedFile>(std::move(opened));
  SW_ASSIGN(auto checkpoint, parse_gguf(file->bytes(), path.string()));
  checkpoint.files.push_back(std::move(file));
  return checkpoint;
}

/// Fails unless the file says of itself that it is part `part` (counted from 1) of `count`.
Status check_part(const Metadata& metadata, int part, int count, const std::string& where) {
  const auto number = metadata.integer_or("split.no", 0);
  const auto total = metadata.integer_or("split.count", 1);
  if (!number) return fail(number.error().what, where, number.error().expected);
  if (!total) return fail(total.error().what, where, total.error().expected);
  if (*number == part - 1 && *total == count) return {};
  return fail(fmt::format("the file says that it is part {} of {}", *number + 1, *total), where,
              fmt::format("part {} of {}, as its name says", part, count), "Give every part its original name");
}

Result<Checkpoint> read_parts(const std::filesystem::path& folder, const PartName& name) {
  Checkpoint whole;
  for (int part = 1; part <= name.count; ++part) {
    const auto path = part_path(folder, name, part);
    if (!std::filesystem::exists(path))
      return fail(fmt::format("part {} of {} of the model is missing", part, name.count), path.string(), {},
                  "Put all parts into one folder");
    SW_ASSIGN(auto read, read_one(path));
    SW_TRY(check_part(read.metadata, part, name.count, path.string()));
    if (part == 1) whole.metadata = std::move(read.metadata);
    whole.tensors.insert(whole.tensors.end(), std::make_move_iterator(read.tensors.begin()),
                         std::make_move_iterator(read.tensors.end()));
    whole.files.push_back(std::move(read.files.front()));
  }
  const std::string where = part_path(folder, name, 1).string();
  const auto n_tensors = static_cast<std::int64_t>(whole.tensors.size());
  const auto expected = whole.metadata.integer_or("split.tensors.count", n_tensors);
  if (!expected) return fail(expected.error().what, where, expected.error().expected);
  if (*expected != n_tensors)
    return fail(fmt::format("the {} parts of the model hold {} tensors", name.count, n_tensors), where,
                fmt::format("{}, as the first part says", *expected), "Download the parts again");
  SW_TRY(check_distinct(whole.tensors, where));
  for (const char* key : {"split.no", "split.count", "split.tensors.count"}) whole.metadata.erase(key);
  return whole;
}

}  // namespace

Result<Checkpoint> read_gguf(const std::filesystem::path& path) {
  const auto name = parse_part_name(path.filename().string());
  if (name && name->count > 1) return read_parts(path.parent_path(), *name);

  SW_ASSIGN(auto checkpoint, read_one(path));
  const auto count = checkpoint.metadata.integer_or("split.count", 1);
  if (!count) return fail(count.error().what, path.string(), count.error().expected);
  if (*count > 1)
    return fail(fmt::format("the file is one of {} parts of a model, but not named so", *count), path.string(),
                fmt::format("a name like model-00001-of-{:05}.gguf", *count), "Give every part its original name");
  return checkpoint;
}

}  // namespace sw
