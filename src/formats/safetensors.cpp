#include "formats/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "formats/byte_reader.hpp"
#include "formats/layout.hpp"
#include "formats/utf8.hpp"

namespace sw {
namespace {

// The limit of the reference implementation.
constexpr std::uint64_t longest_header = 100'000'000;

constexpr std::size_t most_dimensions = 16;

/// Stored names of element types are GGUF's for those that both formats have.
const DTypeInfo* find_element_type(std::string_view name) {
  const DTypeInfo* type = find_dtype(name);
  return type && !type->quantized && type->name == name ? type : nullptr;
}

struct HeaderEntry {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> data_offsets;
};

/// Receives the header's JSON piece by piece and keeps only what a header may hold, so that no nesting and no
/// repeated key can get past it.
class HeaderSax {
 public:
  std::vector<HeaderEntry> entries;
  std::vector<std::pair<std::string, std::string>> metadata;
  Error error;

  bool start_object(std::size_t) {
    if (depth_ == 2 || array_) return refuse("a nested object");
    if (depth_ == 1 && !in_metadata_) entries.push_back({name_, {}, {}, {}});
    ++depth_;
    return true;
  }
  bool end_object() {
    if (--depth_ != 1 || std::exchange(in_metadata_, false)) return true;
    const auto& entry = entries.back();
    if (entry.dtype.empty()) return refuse("no dtype");
    if (!has_shape_) return refuse("no shape");
    if (entry.data_offsets.size() != 2) return refuse("no pair of data_offsets");
    has_shape_ = false;
    return true;
  }
  bool key(std::string& text) {
    if (depth_ == 1) {
      name_ = text;
      in_metadata_ = text == "__metadata__";
    }
    field_ = depth_ == 1 ? std::string{} : text;
    return true;
  }
  bool string(std::string& text) {
    if (depth_ != 2 || array_) return refuse("a string");
    if (in_metadata_)
      metadata.emplace_back(field_, std::move(text));
    else if (field_ == "dtype" && entries.back().dtype.empty() && !text.empty())
      entries.back().dtype = std::move(text);
    else
      return refuse("a string");
    return true;
  }
  bool start_array(std::size_t) {
    if (depth_ != 2 || in_metadata_ || array_) return refuse("an array");
    if (field_ == "shape" && !std::exchange(has_shape_, true))
      array_ = &entries.back().shape;
    else if (field_ == "data_offsets" && entries.back().data_offsets.empty())
      array_ = &entries.back().data_offsets;
    else
      return refuse("an array");
    return true;
  }
  bool end_array() {
    array_ = nullptr;
    return true;
  }
  bool number_unsigned(std::uint64_t value) {
    if (!array_) return refuse("a number");
    array_->push_back(value);
    return true;
  }
  bool number_integer(std::int64_t) { return refuse("a negative number"); }
  bool number_float(double, const std::string&) { return refuse("a number that is not whole or too large"); }
  bool null() { return refuse("null"); }
  bool boolean(bool) { return refuse("a boolean"); }
  bool binary(std::vector<std::uint8_t>&) { return refuse("binary data"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& exception) {
    error = {fmt::format("the header is not JSON at its byte {}: {}", position, exception.what()), {}, {}, {}};
    return false;
  }

 private:
  bool refuse(std::string_view found) {
    const std::string place = field_.empty() ? "" : fmt::format(" at {}", in_quotes(field_));
    error = {fmt::format("the header's entry {} has {}{}", in_quotes(name_), found, place),
             {},
             "an object with dtype, shape and data_offsets, or string values in __metadata__",
             {}};
    return false;
  }

  int depth_ = 0;
  bool in_metadata_ = false, has_shape_ = false;
  std::string name_, field_;
  std::vector<std::uint64_t>* array_ = nullptr;
};

/// The bytes of an entry within the data section.
Result<std::span<const std::byte>> locate(const HeaderEntry& entry, std::span<const std::byte> data) {
  const std::uint64_t begin = entry.data_offsets[0], end = entry.data_offsets[1];
  if (begin <= end && end <= data.size()) return data.subspan(begin, end - begin);
  return fail(fmt::format("tensor {} lies at bytes {} to {} of the data", in_quotes(entry.name), begin, end), {},
              fmt::format("offsets in order, within its {} bytes", data.size()),
              "The file is damaged or cut short: download it again");
}

Result<TensorView> view_of(const HeaderEntry& entry, const DTypeInfo& type, std::span<const std::byte> stored) {
  if (entry.shape.size() > most_dimensions)
    return fail(fmt::format("tensor {} has {} dimensions", in_quotes(entry.name), entry.shape.size()), {},
                fmt::format("at most {}", most_dimensions));
  TensorView tensor{entry.name, type.dtype, {}, stored};
  for (const std::uint64_t size : entry.shape) {
    if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return fail(fmt::format("tensor {} has a dimension of size {}", in_quotes(entry.name), size));
    tensor.shape.push_back(static_cast<std::int64_t>(size));
  }
  auto bytes = stored_bytes(type.dtype, tensor.shape);
  if (!bytes) return fail(fmt::format("tensor {}: {}", in_quotes(entry.name), bytes.error().what));
  if (*bytes != stored.size())
    return fail(fmt::format("tensor {} has {} bytes", in_quotes(entry.name), stored.size()), {},
                fmt::format("{} for the shape {} as {}", *bytes, to_string(tensor.shape), type.name));
  return tensor;
}

Status fill(Safetensors& out, const HeaderSax& header, std::span<const std::byte> data) {
  for (const auto& entry : header.entries) {
    SW_ASSIGN(const auto stored, locate(entry, data));
    if (const DTypeInfo* type = find_element_type(entry.dtype)) {
      SW_ASSIGN(auto tensor, view_of(entry, *type, stored));
      out.tensors.push_back(std::move(tensor));
    } else {
      out.unsupported.push_back({entry.name, entry.dtype});
    }
  }
  return {};
}

}  // namespace

Result<Safetensors> parse_safetensors(std::span<const std::byte> bytes, const std::string& file) {
  ByteReader in(bytes, file);
  SW_ASSIGN(const auto length, in.number<std::uint64_t>("the header's length"));
  if (length > longest_header)
    return in.fail_here(fmt::format("is not a safetensors file: its header would have {} bytes", length),
                        fmt::format("at most {}", longest_header));
  SW_ASSIGN(const auto text, in.text(length, "the header"));

  HeaderSax header;
  if (!nlohmann::json::sax_parse(text, &header)) {
    header.error.where = file;
    return std::unexpected(std::move(header.error));
  }
  Safetensors out;
  out.metadata = std::move(header.metadata);
  if (auto filled = fill(out, header, bytes.subspan(in.position())); !filled) {
    filled.error().where = file;
    return std::unexpected(std::move(filled.error()));
  }
  SW_TRY(check_distinct(out.tensors, file));
  return out;
}

Result<Safetensors> read_safetensors(const std::filesystem::path& path) {
  SW_ASSIGN(auto opened, MappedFile::open(path));
  auto file = std::make_shared<const MappedFile>(std::move(opened));
  SW_ASSIGN(auto read, parse_safetensors(file->bytes(), path.string()));
  read.file = std::move(file);
  return read;
}

Status write_safetensors(const std::filesystem::path& path, std::span<const TensorSource> tensors,
                         std::span<const std::pair<std::string, std::string>> metadata, const WriteProgress& progress) {
  const auto written = [&]() -> Status {
    // Wide elements first keeps every tensor aligned to its element.
    std::vector<const TensorSource*> order(tensors.size());
    std::ranges::transform(tensors, order.begin(), [](const TensorSource& tensor) { return &tensor; });
    std::ranges::stable_sort(order, std::greater{},
                             [](const TensorSource* tensor) { return info(tensor->dtype).block_bytes; });
    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    for (const auto& [key, value] : metadata) {
      if (!is_utf8(key) || !is_utf8(value)) return fail("metadata key " + in_quotes(key) + " is not UTF-8");
      header["__metadata__"][key] = value;
    }
    std::vector<std::uint64_t> sizes;
    std::vector<std::string_view> names;
    std::uint64_t end = 0;
    for (const TensorSource* tensor : order) {
      const DTypeInfo& type = info(tensor->dtype);
      if (type.quantized || !is_utf8(tensor->name) || tensor->name.empty() || tensor->name == "__metadata__")
        return fail(
            fmt::format("tensor {} of type {} cannot be stored in safetensors", in_quotes(tensor->name), type.name), {},
            "a name in UTF-8 and a type that is not quantized");
      SW_ASSIGN(const auto size, stored_bytes(tensor->dtype, tensor->shape));
      sizes.push_back(size);
      names.push_back(tensor->name);
      header[tensor->name] = {{"dtype", type.name}, {"shape", tensor->shape}, {"data_offsets", {end, end + size}}};
      end += size;
      if (end > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return fail("the tensors are larger together than any file can be");
    }
    if (const auto name = repeated(std::move(names)); !name.empty())
      return fail("two tensors are named " + in_quotes(name), {}, "distinct names");

    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const auto length = static_cast<std::uint64_t>(text.size());
    SW_ASSIGN(auto file, AtomicFile::create(path));
    SW_TRY(file.write(std::as_bytes(std::span(&length, 1))));
    SW_TRY(file.write(text));
    std::uint64_t done = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      SW_TRY(write_tensor(file, *order[i], sizes[i], [&](std::uint64_t now) {
        if (progress) progress(done + now, end);
      }));
      done += sizes[i];
    }
    return file.commit();
  }();
  if (written) return {};
  Error error = written.error();
  if (error.where.empty()) error.where = path.string();
  return std::unexpected(std::move(error));
}

}  // namespace sw
