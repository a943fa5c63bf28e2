#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// What a measurement found, as data: made once by a command, then written for a terminal, a spreadsheet or a browser.
/// Each command's `--json` is its own contract and is not made from this.
namespace sw::report {

/// A value with the interval that holds it.
struct Estimate {
  double value = 0, low = 0, high = 0;
};

/// Empty: not measured, shown as "-".
using Cell = std::variant<std::monostate, std::string, double, Estimate>;

enum class Format : std::uint8_t {
  text,     ///< left-aligned words
  number,   ///< three significant digits or more, aligned right
  integer,  ///< 12345
  percent,  ///< a fraction: 0.25 is shown as 25.0%
  bytes,    ///< 349.1 MB: decimal, as model sizes are published
  bar,      ///< a fraction in [0, 1], drawn
};

struct Column {
  std::string name;
  std::string unit = {};
  Format format = Format::number;
};

/// The first column is the row's name. A row may be shorter than `columns`.
struct Table {
  std::string title;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
  std::string caption = {};
};

/// A row of parts that add up: where the time of prefill goes.
struct Stack {
  struct Part {
    std::string name;
    double value = 0;  ///< in the chart's unit, not negative
  };
  std::string label;
  std::vector<Part> parts;
};

/// Stacks one above the other, each as wide as the chart: shares are compared, totals are written beside them.
struct StackedBars {
  std::string title, unit;
  std::vector<Stack> stacks;
  std::string caption = {};
};

struct Axis {
  std::string label = {};
  bool logarithmic = false;
  bool counts = false;  ///< whole things: no ticks between them
};

struct Point {
  double x = 0, y = 0;
  double low = 0, high = 0;  ///< an interval of y; none where low equals high
  std::string label = {};    ///< shown beside the point where there is room, and on pointing at it
};

enum class Mark : std::uint8_t {
  line,    ///< points joined
  points,  ///< points alone
  limit,   ///< a dashed line: a roof, a target
};

struct Series {
  std::string name;
  Mark mark = Mark::line;
  std::vector<Point> points;
};

struct Plot {
  std::string title;
  Axis x, y;
  std::vector<Series> series;
  std::string caption = {};
};

/// What happened when: one bar for every span, one row for every lane.
struct Timeline {
  struct Span {
    std::string name;  ///< spans of one name have one colour
    double begin = 0, end = 0;
  };
  struct Lane {
    std::string name;
    std::vector<Span> spans;
  };
  std::string title, unit;
  std::vector<Lane> lanes;
  std::string caption = {};
};

enum class Tone : std::uint8_t { plain, good, bad, warning };

/// A paragraph. The sentence to take home is the document's `conclusion`.
struct Note {
  std::string text;
  Tone tone = Tone::plain;
};

using Element = std::variant<Table, StackedBars, Plot, Timeline, Note>;

struct Document {
  std::string title;                                       ///< "profile of demo"
  std::vector<std::pair<std::string, std::string>> facts;  ///< model, threads, machine: one line each
  std::vector<Element> elements;
  std::string conclusion;
  Tone tone = Tone::plain;  ///< of the conclusion
};

struct TerminalOptions {
  int width = 80;       ///< columns; at least 40
  bool color = false;   ///< nothing is said by colour alone
  bool unicode = true;  ///< bars of block characters; otherwise of '#'
};

/// Tables with small bars; plots as a grid of characters. Every line fits the width.
std::string to_terminal(const Document& document, const TerminalOptions& options = {});

/// Every value of every table and chart on a row of its own (RFC 4180): table, row, column, unit, value, low, high. One
/// shape for all commands, so that files of different runs can be joined.
std::string to_csv(const Document& document);

/// One file that needs no network and no script: charts are SVG, in a narrow and a wide form; light or dark as the
/// reader's system is.
std::string to_html(const Document& document);

/// How `format` shows a number: shared by every renderer. "-" for what is not finite.
std::string show(double value, Format format);
/// "349.1 MB"
std::string show_bytes(double bytes);
/// Three significant digits, more for large numbers: 0.0123, 1.23, 12.3, 123, 12345.
std::string show_number(double value);

}  // namespace sw::report
