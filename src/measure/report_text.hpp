#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "measure/report.hpp"

// What the renderers share.

namespace sw::report {

/// A cell in words. Bars are drawn by each renderer.
std::string cell_text(const Cell& cell, Format format);

/// Columns text takes on a terminal: its code points.
inline std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// The names of stacked parts or spans in the order of their first appearance: each keeps its place in the legend.
std::vector<std::string> names_of(const StackedBars& chart);
std::vector<std::string> names_of(const Timeline& timeline);
/// Appends a name that is not there yet.
void add_once(std::vector<std::string>& names, const std::string& name);
std::size_t index_of(const std::vector<std::string>& names, std::string_view name);

/// Begin and end of all spans; 0 and 1 where there are none.
struct Extent {
  double begin = 0, end = 1;
};
Extent extent_of(const Timeline& timeline);

double total_of(const Stack& stack);

}  // namespace sw::report
