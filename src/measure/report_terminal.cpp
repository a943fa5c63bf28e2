#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "measure/plot_scale.hpp"
#include "measure/report.hpp"
#include "measure/report_text.hpp"

namespace sw::report {
namespace {

using Lines = std::vector<std::string>;

/// Cut to `width` code points, with an ellipsis where something is lost.
std::string cut(std::string_view text, std::size_t width, bool unicode) {
  if (width_of(text) <= width) return std::string(text);
  std::string out;
  std::size_t taken = 0;
  for (std::size_t i = 0; i < text.size() && taken + 1 < width;) {
    do out += text[i++];
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80);
    ++taken;
  }
  return out + (unicode ? "…" : "~");
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::size_t length = width_of(text);
  const std::string space(width > length ? width - length : 0, ' ');
  return right ? space + text : text + space;
}

/// Words in lines of at most `width`; every line begins with `indent` spaces.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent = 0) {
  std::string out, line(indent, ' ');
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t length = width_of(word);
    if (column > 0 && indent + column + 1 + length > width) {
      out += line + '\n';
      line.assign(indent, ' ');
      column = 0;
    }
    if (column > 0) line += ' ';
    line += word;
    column += length + (column > 0 ? 1 : 0);
  }
  return out + line + '\n';
}

constexpr const char* bold = "1";
constexpr const char* dim = "2";
constexpr std::array part_colors = {"36", "33", "35", "32", "34", "31", "96", "93", "95", "92", "94", "91"};

const char* color_of(Tone tone) {
  switch (tone) {
    case Tone::good:
      return "1;32";
    case Tone::bad:
      return "1;31";
    case Tone::warning:
      return "1;33";
    case Tone::plain:
      break;
  }
  return bold;
}

/// Tone in a word, for where there is no colour.
std::string_view label_of(Tone tone) {
  return tone == Tone::warning ? "note: " : "";
}

class Terminal {
 public:
  explicit Terminal(const TerminalOptions& options)
      : options_(options), width_(static_cast<std::size_t>(std::max(40, options.width))) {}

  std::string render(const Document& document) {
    out_ = painted(cut(document.title, width_, options_.unicode), bold) + "\n";
    std::size_t widest = 0;
    for (const auto& [name, value] : document.facts) widest = std::max(widest, width_of(name));
    for (const auto& [name, value] : document.facts) {
      std::string lines = wrapped(value, width_, widest + 4);
      lines.replace(0, widest + 4, "  " + padded(name, widest + 2, false));
      out_ += lines;
    }
    for (const Element& element : document.elements) {
      out_ += '\n';
      std::visit([this](const auto& e) { add(e); }, element);
    }
    if (!document.conclusion.empty())
      out_ += '\n' + painted_lines(wrapped(document.conclusion, width_), color_of(document.tone));
    return std::move(out_);
  }

 private:
  std::string painted(const std::string& text, const char* code) const {
    return options_.color && !text.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }
  std::string painted_lines(const std::string& lines, const char* code) const {
    return options_.color ? painted(lines.substr(0, lines.size() - 1), code) + '\n' : lines;
  }

  std::string bar(double share, std::size_t cells) const {
    if (!std::isfinite(share)) return std::string(cells, ' ');
    const double filled = std::clamp(share, 0.0, 1.0) * static_cast<double>(cells);
    auto whole = static_cast<std::size_t>(filled);
    std::string text;
    if (!options_.unicode) {
      whole = static_cast<std::size_t>(std::lround(filled));
      return std::string(whole, '#') + std::string(cells - whole, ' ');
    }
    constexpr std::array eighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    for (std::size_t i = 0; i < whole; ++i) text += "█";
    const auto rest = static_cast<std::size_t>((filled - static_cast<double>(whole)) * 8);
    text += eighths[rest];
    const std::size_t used = whole + (rest > 0 ? 1 : 0);
    return painted(text, "36") + std::string(cells - used, ' ');
  }

  void title(const std::string& text) {
    if (!text.empty()) out_ += painted(cut(text, width_, options_.unicode), bold) + '\n';
  }
  void caption(const std::string& text) {
    if (!text.empty()) out_ += painted_lines(wrapped(text, width_, 2), dim);
  }

  void add(const Note& note) {
    const std::string text = std::string(label_of(note.tone)) + note.text;
    out_ +=
        note.tone == Tone::plain ? wrapped(text, width_) : painted_lines(wrapped(text, width_), color_of(note.tone));
  }

  static constexpr std::size_t gap = 2, least_bar = 6, most_bar = 20;

  std::size_t natural_width(const Table& table, std::size_t i) const {
    const Column& column = table.columns[i];
    std::size_t width = std::max(width_of(column.name), width_of(column.unit));
    if (column.format == Format::bar) return std::max(width, least_bar);
    for (const auto& row : table.rows)
      if (i < row.size()) width = std::max(width, width_of(cell_text(row[i], column.format)));
    return width;
  }

  void add(const Table& table) {
    title(table.title);
    if (table.columns.empty()) return;
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < table.columns.size(); ++i)
      widths.push_back(std::min(natural_width(table, i), width_ - gap));
    widths[0] = std::min(widths[0], width_ * 2 / 5);

    // Columns that do not fit beside the others follow below, again with the names of the rows.
    for (std::size_t first = 1, end; first < table.columns.size() || first == 1; first = end) {
      std::size_t used = gap + widths[0];
      for (end = first; end < widths.size() && (used + gap + widths[end] <= width_ || end == first); ++end)
        used += gap + widths[end];
      std::vector<std::size_t> shown = {0};
      for (std::size_t i = first; i < end; ++i) shown.push_back(i);
      if (first > 1) out_ += '\n';
      block(table, shown, widths, width_ - std::min(width_, used));
      if (end == first) break;
    }
    caption(table.caption);
  }

  void block(const Table& table, const std::vector<std::size_t>& shown, std::vector<std::size_t> widths,
             std::size_t spare) {
    for (const std::size_t i : shown)
      if (table.columns[i].format == Format::bar && widths[i] < most_bar) {
        const std::size_t more = std::min(spare, most_bar - widths[i]);
        widths[i] += more;
        spare -= more;
      }
    // What is still too wide is cut: a value longer than a terminal is words.
    std::size_t others = gap + widths[0];
    for (const std::size_t i : shown)
      if (i > 0) {
        const std::size_t room = width_ > others + gap ? width_ - others - gap : 1;
        widths[i] = std::min(widths[i], room);
        others += gap + widths[i];
      }
    const auto line = [&](auto&& text_of, const char* code) {
      std::string text;
      for (const std::size_t i : shown) {
        const Format format = table.columns[i].format;
        const bool right = i > 0 && format != Format::text && format != Format::bar;
        text += std::string(gap, ' ') + padded(cut(text_of(i), widths[i], options_.unicode), widths[i], right);
      }
      while (!text.empty() && text.back() == ' ') text.pop_back();
      out_ += (code ? painted(text, code) : text) + '\n';
    };
    const bool named = std::ranges::any_of(shown, [&](std::size_t i) { return !table.columns[i].name.empty(); });
    const bool units = std::ranges::any_of(shown, [&](std::size_t i) { return !table.columns[i].unit.empty(); });
    if (named) line([&](std::size_t i) { return table.columns[i].name; }, dim);
    if (units) line([&](std::size_t i) { return table.columns[i].unit; }, dim);
    for (const auto& row : table.rows) {
      std::string text;
      for (const std::size_t i : shown) {
        if (i >= row.size()) break;
        const Format format = table.columns[i].format;
        const auto* share = std::get_if<double>(&row[i]);
        text += std::string(gap, ' ');
        if (format == Format::bar && share) {
          text += bar(*share, widths[i]);
        } else {
          const bool right = i > 0 && format != Format::text && format != Format::bar;
          const bool blank = format == Format::bar;
          text += padded(blank ? "" : cut(cell_text(row[i], format), widths[i], options_.unicode), widths[i], right);
        }
      }
      while (!text.empty() && text.back() == ' ') text.pop_back();
      out_ += text + '\n';
    }
  }

  static char letter(std::size_t i) { return i < 26 ? static_cast<char>('a' + i) : '.'; }
  const char* color(std::size_t i) const { return part_colors[i % part_colors.size()]; }

  /// "a gate up  b down": what the letters of bars stand for.
  void legend(const std::vector<std::string>& names) {
    std::string line = "  ";
    std::size_t column = 2;
    for (std::size_t i = 0; i < names.size() && i < 26; ++i) {
      const std::size_t length = 2 + width_of(names[i]);
      if (column > 2 && column + 2 + length > width_) {
        out_ += line + '\n';
        line = "  ";
        column = 2;
      }
      if (column > 2) {
        line += "  ";
        column += 2;
      }
      line += painted(std::string(1, letter(i)), color(i)) + ' ' + names[i];
      column += length;
    }
    out_ += line + '\n';
  }

  /// Letters in runs of one colour each.
  std::string lettered(const std::string& letters) const {
    if (!options_.color) return letters;
    std::string text;
    for (std::size_t i = 0; i < letters.size();) {
      const std::size_t end = std::min(letters.find_first_not_of(letters[i], i), letters.size());
      const std::string run = letters.substr(i, end - i);
      text += letters[i] >= 'a' && letters[i] <= 'z' ? painted(run, color(static_cast<std::size_t>(letters[i] - 'a')))
                                                     : run;
      i = end;
    }
    return text;
  }

  void add(const StackedBars& chart) {
    title(chart.title);
    const auto names = names_of(chart);
    std::size_t widest = 0, totals = 0;
    for (const Stack& stack : chart.stacks) {
      widest = std::max(widest, width_of(stack.label));
      totals = std::max(totals, width_of(show_number(total_of(stack))));
    }
    widest = std::min(widest, width_ / 4);
    const std::size_t used = gap + widest + gap + totals + 1 + width_of(chart.unit) + gap;
    const std::size_t cells = width_ > used + 10 ? width_ - used : 10;
    for (const Stack& stack : chart.stacks) {
      const double total = total_of(stack);
      std::string letters;
      double sum = 0;
      for (const Stack::Part& part : stack.parts) {
        sum += part.value;
        const double end = total > 0 ? sum / total * static_cast<double>(cells) : 0;
        letters.resize(std::max(letters.size(), static_cast<std::size_t>(std::lround(end))),
                       letter(index_of(names, part.name)));
      }
      out_ += fmt::format("  {}  {} {}  {}\n", padded(cut(stack.label, widest, options_.unicode), widest, false),
                          padded(show_number(total), totals, true), chart.unit, lettered(letters));
    }
    legend(names);
    caption(chart.caption);
  }

  void add(const Timeline& timeline) {
    title(timeline.title);
    const auto names = names_of(timeline);
    const Extent extent = extent_of(timeline);
    std::size_t widest = 0;
    for (const Timeline::Lane& lane : timeline.lanes) widest = std::max(widest, width_of(lane.name));
    widest = std::min(widest, width_ / 4);
    const std::size_t cells = width_ - gap - widest - gap;
    for (const Timeline::Lane& lane : timeline.lanes) {
      // Each cell shows the name that fills most of it.
      std::vector<std::vector<double>> held(cells, std::vector<double>(names.size()));
      const double cell = (extent.end - extent.begin) / static_cast<double>(cells);
      for (const Timeline::Span& span : lane.spans) {
        const std::size_t name = index_of(names, span.name);
        const double from = (span.begin - extent.begin) / cell, to = (span.end - extent.begin) / cell;
        for (auto i = static_cast<std::size_t>(std::max(0.0, from)); i < cells && static_cast<double>(i) < to; ++i)
          held[i][name] += std::min(to, static_cast<double>(i + 1)) - std::max(from, static_cast<double>(i));
      }
      std::string letters;
      for (const auto& shares : held) {
        const auto most = std::ranges::max_element(shares);
        letters += most == shares.end() || *most < 0.25 ? ' ' : letter(static_cast<std::size_t>(most - shares.begin()));
      }
      while (!letters.empty() && letters.back() == ' ') letters.pop_back();
      out_ +=
          fmt::format("  {}  {}\n", padded(cut(lane.name, widest, options_.unicode), widest, false), lettered(letters));
    }
    const std::string end = show_number(extent.end) + ' ' + timeline.unit;
    out_ += std::string(gap + widest + gap, ' ') + padded(show_number(extent.begin), cells - width_of(end), false) +
            end + '\n';
    legend(names);
    caption(timeline.caption);
  }

  static constexpr std::size_t plot_rows = 12;

  void add(const Plot& plot) {
    title(plot.title);
    constexpr std::string_view marks = "o*x+@%&";
    const auto [x_scale, y_scale] = scales_of(plot);
    std::array<std::string, plot_rows> labels;
    std::size_t widest = 0;
    const auto row_of = [](double share) {
      return static_cast<std::size_t>(std::lround((1 - std::clamp(share, 0.0, 1.0)) * (plot_rows - 1)));
    };
    for (const double tick : y_scale.ticks(4)) labels[row_of(y_scale.at(tick))] = show_tick(tick);
    for (const std::string& label : labels) widest = std::max(widest, width_of(label));
    const std::size_t columns = width_ - widest - 4;
    std::vector<std::string> grid(plot_rows, std::string(columns, ' '));
    const auto column_of = [&](double share) {
      return static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(columns - 1)));
    };
    const auto draw = [&](double x, double y, char mark, bool over) {
      if (x < 0 || x > 1 || y < 0 || y > 1) return;
      char& at = grid[row_of(y)][column_of(x)];
      if (over || at == ' ') at = mark;
    };
    std::size_t drawn = 0;
    std::string key;
    for (const Series& series : plot.series) {
      const char mark = series.mark == Mark::limit ? '-' : marks[drawn++ % marks.size()];
      const char joint = series.mark == Mark::limit ? '-' : '.';
      if (!series.name.empty()) key += fmt::format("  {} {}", mark, series.name);
      const Point* before = nullptr;
      for (const Point& point : series.points) {
        if (!x_scale.has(point.x) || !y_scale.has(point.y)) continue;
        const double x = x_scale.at(point.x), y = y_scale.at(point.y);
        if (before && series.mark != Mark::points) {
          const double x0 = x_scale.at(before->x), y0 = y_scale.at(before->y);
          const auto steps = static_cast<int>(2 * columns);
          for (int i = 1; i < steps; ++i) {
            const double t = static_cast<double>(i) / steps;
            draw(std::lerp(x0, x, t), std::lerp(y0, y, t), joint, false);
          }
        }
        draw(x, y, mark, true);
        before = &point;
      }
    }
    out_ += painted(fmt::format("  {}\n", plot.y.label), dim);
    for (std::size_t i = 0; i < plot_rows; ++i) {
      std::string line = "  " + padded(labels[i], widest, true) + (options_.unicode ? " ┤" : " |") + grid[i];
      while (line.back() == ' ') line.pop_back();
      out_ += line + '\n';
    }
    std::string axis(columns, ' ');
    std::size_t free = 0;
    for (const double tick : x_scale.ticks(5)) {
      const std::string label = show_tick(tick);
      const std::size_t at = std::min(column_of(x_scale.at(tick)), columns - std::min(columns, label.size()));
      if (at < free) continue;
      axis.replace(at, label.size(), label);
      free = at + label.size() + 1;
    }
    while (!axis.empty() && axis.back() == ' ') axis.pop_back();
    out_ += std::string(widest + 4, ' ') + axis + '\n';
    out_ += painted(wrapped(plot.x.label + (key.empty() ? "" : "  " + key), width_, widest + 4), dim);
    caption(plot.caption);
  }

  TerminalOptions options_;
  std::size_t width_;
  std::string out_;
};

}  // namespace

std::string to_terminal(const Document& document, const TerminalOptions& options) {
  return Terminal(options).render(document);
}

}  // namespace sw::report
