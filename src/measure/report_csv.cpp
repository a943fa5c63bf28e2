#include <fmt/core.h>

#include <cmath>

#include "measure/report.hpp"

namespace sw::report {
namespace {

/// RFC 4180: quoted where it holds a comma, a quotation mark or a line break.
std::string field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

/// All digits: what reads the file rounds as it likes.
std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "";
}

class Writer {
 public:
  void row(std::string_view title, std::string_view name, std::string_view column, std::string_view unit,
           const std::string& value, const std::string& low = "", const std::string& high = "") {
    out_ += field(title) + ',' + field(name) + ',' + field(column) + ',' + field(unit) + ',' + field(value) + ',' +
            low + ',' + high + "\r\n";
  }

  void add(const Table& table) {
    for (const auto& cells : table.rows) {
      const std::string name = cells.empty() ? "" : words(cells.front());
      for (std::size_t i = 1; i < cells.size() && i < table.columns.size(); ++i) {
        const Column& column = table.columns[i];
        if (column.format == Format::bar) continue;  // drawn from a value that has a column of its own
        const std::string_view unit = column.format == Format::bytes ? "bytes" : std::string_view(column.unit);
        if (const auto* e = std::get_if<Estimate>(&cells[i]))
          row(table.title, name, column.name, unit, number(e->value), number(e->low), number(e->high));
        else if (!std::holds_alternative<std::monostate>(cells[i]))
          row(table.title, name, column.name, unit, words(cells[i]));
      }
    }
  }

  void add(const StackedBars& chart) {
    for (const Stack& stack : chart.stacks)
      for (const Stack::Part& part : stack.parts)
        row(chart.title, stack.label, part.name, chart.unit, number(part.value));
  }

  void add(const Plot& plot) {
    for (const Series& series : plot.series)
      for (const Point& point : series.points) {
        const bool interval = point.low != point.high;
        row(plot.title, series.name, fmt::format("{} = {}", plot.x.label, number(point.x)), plot.y.label,
            number(point.y), interval ? number(point.low) : "", interval ? number(point.high) : "");
      }
  }

  void add(const Timeline& timeline) {
    for (const Timeline::Lane& lane : timeline.lanes)
      for (const Timeline::Span& span : lane.spans)
        row(timeline.title, lane.name, span.name, timeline.unit, number(span.end - span.begin), number(span.begin),
            number(span.end));
  }

  void add(const Note&) {}

  std::string take() { return std::move(out_); }

 private:
  static std::string words(const Cell& cell) {
    if (const auto* text = std::get_if<std::string>(&cell)) return *text;
    if (const auto* value = std::get_if<double>(&cell)) return number(*value);
    if (const auto* estimate = std::get_if<Estimate>(&cell)) return number(estimate->value);
    return "";
  }

  std::string out_ = "table,row,column,unit,value,low,high\r\n";
};

}  // namespace

std::string to_csv(const Document& document) {
  Writer writer;
  for (const Element& element : document.elements) std::visit([&](const auto& e) { writer.add(e); }, element);
  return writer.take();
}

}  // namespace sw::report
