#include "model/file_type.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

namespace sw {
namespace {

using Mix = FileType::Mix;

constexpr std::array types = {
    FileType{"F32", 0, DType::f32},
    FileType{"F16", 1, DType::f16},
    FileType{"BF16", 32, DType::bf16},
    FileType{"Q8_0", 7, DType::q8_0},
    FileType{"Q4_0", 2, DType::q4_0},
    FileType{"Q5_0", 8, DType::q5_0},
    FileType{"Q4_K_S", 14, DType::q4_k, Mix::small},
    FileType{"Q4_K_M", 15, DType::q4_k, Mix::medium},
    FileType{"Q5_K_S", 16, DType::q5_k},
    FileType{"Q5_K_M", 17, DType::q5_k, Mix::medium},
    FileType{"Q6_K", 18, DType::q6_k},
};

/// The block of "blk.12.ffn_down.weight"; −1 without one.
int block_of(std::string_view name) {
  int block = -1;
  if (name.starts_with("blk.")) std::from_chars(name.data() + 4, name.data() + name.size(), block);
  return block;
}

/// The first and last eighth of the blocks, and every third between.
bool is_sensitive(int block, int blocks) {
  return block < blocks / 8 || block >= 7 * blocks / 8 || (block - blocks / 8) % 3 == 2;
}

bool stays_f32(std::string_view name, const Shape& shape) {
  return shape.size() < 2 || !name.ends_with(".weight") || name.ends_with("_norm.weight") ||
         name.ends_with("ssm_conv1d.weight");
}

/// Before rows too narrow for it are considered.
DType wanted_type(const FileType& type, std::string_view name, std::int64_t columns, const ModelOutline& outline) {
  const int block = block_of(name);
  if (name == "output.weight" || (outline.tied_head && name == "token_embd.weight"))
    return type.dtype == DType::q8_0 || columns % info(type.dtype).block_size != 0 ? DType::q8_0 : DType::q6_k;
  const bool value = name.ends_with("attn_v.weight") || name.ends_with("attn_qkv.weight");
  const bool down = name.ends_with("ffn_down.weight");
  if (type.mix == Mix::medium && (value || down) && is_sensitive(block, outline.blocks)) return DType::q6_k;
  if (type.mix == Mix::small && value && block < 4) return DType::q5_k;
  if (type.mix == Mix::small && down && block < outline.blocks / 8) return DType::q5_k;
  return type.dtype;
}

/// The nearest type whose blocks divide the row.
DType fitting_type(DType dtype, std::int64_t columns) {
  const auto fits = [&](DType candidate) { return columns % info(candidate).block_size == 0; };
  if (fits(dtype)) return dtype;
  const DType narrow = dtype == DType::q4_k   ? DType::q5_0
                       : dtype == DType::q5_k ? DType::q5_1
                       : dtype == DType::q6_k ? DType::q8_0
                                              : DType::f16;
  return fits(narrow) ? narrow : DType::f16;
}

}  // namespace

std::span<const FileType> file_types() {
  return types;
}

const FileType* find_file_type(std::string_view name) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (upper == "Q4_K" || upper == "Q5_K") upper += "_M";
  const auto* it = std::ranges::find(types, std::string_view(upper), &FileType::name);
  return it == types.end() ? nullptr : it;
}

DType tensor_type(const FileType& type, std::string_view name, const Shape& shape, const ModelOutline& outline) {
  if (stays_f32(name, shape)) return DType::f32;
  if (!info(type.dtype).quantized) return type.dtype;
  return fitting_type(wanted_type(type, name, shape.back(), outline), shape.back());
}

}  // namespace sw
