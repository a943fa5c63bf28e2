#include "tensor/dtype.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace sw {
namespace {

// Block layouts: ggml-common.h of llama.cpp (block_q4_0 … block_iq4_xs).
constexpr std::array dtypes = {
    DTypeInfo{DType::f32, "F32", 1, 4, false},          DTypeInfo{DType::f16, "F16", 1, 2, false},
    DTypeInfo{DType::bf16, "BF16", 1, 2, false},        DTypeInfo{DType::q4_0, "Q4_0", 32, 18, true},
    DTypeInfo{DType::q4_1, "Q4_1", 32, 20, true},       DTypeInfo{DType::q5_0, "Q5_0", 32, 22, true},
    DTypeInfo{DType::q5_1, "Q5_1", 32, 24, true},       DTypeInfo{DType::q8_0, "Q8_0", 32, 34, true},
    DTypeInfo{DType::q2_k, "Q2_K", 256, 84, true},      DTypeInfo{DType::q3_k, "Q3_K", 256, 110, true},
    DTypeInfo{DType::q4_k, "Q4_K", 256, 144, true},     DTypeInfo{DType::q5_k, "Q5_K", 256, 176, true},
    DTypeInfo{DType::q6_k, "Q6_K", 256, 210, true},     DTypeInfo{DType::iq4_nl, "IQ4_NL", 32, 18, true},
    DTypeInfo{DType::iq4_xs, "IQ4_XS", 256, 136, true}, DTypeInfo{DType::i8, "I8", 1, 1, false},
    DTypeInfo{DType::i16, "I16", 1, 2, false},          DTypeInfo{DType::i32, "I32", 1, 4, false},
    DTypeInfo{DType::i64, "I64", 1, 8, false},          DTypeInfo{DType::f64, "F64", 1, 8, false},
};

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

}  // namespace

const DTypeInfo* find_dtype(std::uint32_t gguf_id) {
  const auto* it = std::ranges::find(dtypes, static_cast<DType>(gguf_id), &DTypeInfo::dtype);
  return it == dtypes.end() ? nullptr : it;
}

const DTypeInfo* find_dtype(std::string_view name) {
  const auto* it = std::ranges::find_if(dtypes, [&](const DTypeInfo& d) { return same_name(d.name, name); });
  return it == dtypes.end() ? nullptr : it;
}

const DTypeInfo& info(DType dtype) {
  return *find_dtype(static_cast<std::uint32_t>(dtype));
}

}  // namespace sw
