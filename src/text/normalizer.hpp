#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/charsmap.hpp"
#include "text/regex.hpp"
#include "text/tokenizer_spec.hpp"

namespace sw {

/// Rewrites text before it is cut into pieces.
class Normalizer {
 public:
  static Result<Normalizer> compile(const std::vector<NormalizerStep>& steps);

  bool empty() const { return steps_.empty(); }
  Result<std::string> apply(std::string_view text) const;

 private:
  struct Step {
    NormalizerStep spec;
    std::optional<Regex> regex;
    std::optional<CharsMap> charsmap;
  };
  static Result<std::string> apply(const Step& step, std::string text);

  std::vector<Step> steps_;
};

}  // namespace sw
