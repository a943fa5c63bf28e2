#include "measure/report_text.hpp"

#include <fmt/core.h>

namespace sw::report {

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

std::string cell_text(const Cell& cell, Format format) {
  if (const auto* words = std::get_if<std::string>(&cell)) return *words;
  if (const auto* value = std::get_if<double>(&cell)) return show(*value, format);
  if (const auto* e = std::get_if<Estimate>(&cell)) {
    if (e->low == e->high) return show(e->value, format);
    return fmt::format("{} [{}, {}]", show(e->value, format), show(e->low, format), show(e->high, format));
  }
  return format == Format::text ? "" : "-";
}

std::vector<std::string> names_of(const StackedBars& chart) {
  std::vector<std::string> names;
  for (const Stack& stack : chart.stacks)
    for (const Stack::Part& part : stack.parts) add_once(names, part.name);
  return names;
}

std::vector<std::string> names_of(const Timeline& timeline) {
  std::vector<std::string> names;
  for (const Timeline::Lane& lane : timeline.lanes)
    for (const Timeline::Span& span : lane.spans) add_once(names, span.name);
  return names;
}

std::size_t index_of(const std::vector<std::string>& names, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
}

Extent extent_of(const Timeline& timeline) {
  Extent extent;
  bool any = false;
  for (const Timeline::Lane& lane : timeline.lanes)
    for (const Timeline::Span& span : lane.spans) {
      extent.begin = any ? std::min(extent.begin, span.begin) : span.begin;
      extent.end = any ? std::max(extent.end, span.end) : span.end;
      any = true;
    }
  if (!(extent.end > extent.begin)) extent.end = extent.begin + 1;
  return extent;
}

double total_of(const Stack& stack) {
  double total = 0;
  for (const Stack::Part& part : stack.parts) total += part.value;
  return total;
}

}  // namespace sw::report
