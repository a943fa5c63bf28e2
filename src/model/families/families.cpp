#include <algorithm>
#include <array>

#include "model/families/family.hpp"

namespace sw {

extern const Family gemma_family, gemma2_family, llama_family, mamba_family, phi3_family, qwen2_family, qwen3_family;

std::span<const Family* const> families() {
  static constexpr std::array all = {&llama_family, &qwen2_family,  &qwen3_family, &phi3_family,
                                     &gemma_family, &gemma2_family, &mamba_family};
  return all;
}

const Family* find_family(std::string_view architecture) {
  const auto all = families();
  const auto it = std::ranges::find(all, architecture, [](const Family* f) { return f->architecture; });
  return it == all.end() ? nullptr : *it;
}

const Family* find_hf_family(std::string_view hf_architecture) {
  const auto all = families();
  const auto it = std::ranges::find_if(all, [&](const Family* f) {
    return std::ranges::find(f->hf_architectures, hf_architecture) != f->hf_architectures.end();
  });
  return it == all.end() ? nullptr : *it;
}

}  // namespace sw
