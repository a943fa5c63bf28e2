#pragma once

#include <string>
#include <vector>

#include "measure/report.hpp"

namespace sw::report {

/// Text as HTML and SVG may hold it, in elements and in quoted attributes.
std::string escaped(std::string_view text);

/// A chart as one <svg> of `width` user units. Colours are the CSS variables --s0 … --s11 (series), --ink, --faint and
/// --grid of the page around it. Text is 12 units high, so that a chart shown at its width is readable.
std::string svg(const Plot& plot, int width);
/// Spans have the colours of their names' places in `names`.
std::string svg(const Timeline& timeline, const std::vector<std::string>& names, int width);

/// Series i has the colour var(--s(i mod 12)).
inline constexpr std::size_t series_colors = 12;

}  // namespace sw::report
