#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "measure/report.hpp"
#include "measure/report_text.hpp"
#include "measure/svg_chart.hpp"

namespace sw::report {
namespace {

constexpr std::string_view style = R"(
:root{color-scheme:light dark;--paper:#fbfbfc;--card:#fff;--ink:#1b1f24;--faint:#5c6570;--shade:#1b1f2433;
--grid:#e3e6ea;--accent:#0b69c7;--good:#0a7a3b;--bad:#b3261e;--warning:#8a5a00;--s0:#0b69c7;--s1:#d9730d;--s2:#0f8a5f;
--s3:#b3388f;--s4:#7a5af0;--s5:#c22f3d;--s6:#0e8a9b;--s7:#93801a;--s8:#6b7480;--s9:#3f4fae;--s10:#8a5a3c;
--s11:#5c8f1f}
@media(prefers-color-scheme:dark){:root{--paper:#121416;--card:#1a1d21;--ink:#e7eaee;--faint:#9aa4b0;--grid:#2d3238;
--shade:#000c;--accent:#6cb2ff;--good:#5fd08d;--bad:#ff8a80;--warning:#f2b950;--s0:#5aa9f5;--s1:#f29d4b;--s2:#4cc796;
--s3:#e57cc5;--s4:#a893ff;--s5:#ff7d87;--s6:#4fc9da;--s7:#d3bf55;--s8:#98a2ad;--s9:#8ea0ff;--s10:#c99a7c;--s11:#a5d65e}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 1rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:0 0 .75rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.25rem;margin:0 0 1.5rem;font-size:.92rem}
dt{color:var(--faint)}dd{margin:0;overflow-wrap:anywhere}
section,.conclusion{background:var(--card);border:1px solid var(--grid);border-radius:10px;padding:1.1rem 1.25rem;
margin:0 0 1.25rem}
.conclusion{border-left:5px solid var(--accent);font-size:1.06rem}
.good{border-left-color:var(--good)}.bad{border-left-color:var(--bad)}.warning{border-left-color:var(--warning)}
p.note{margin:0}
.scroll{overflow-x:auto;background:no-repeat;background-attachment:local,local,scroll,scroll;
background-image:linear-gradient(90deg,var(--card) 40%,transparent),linear-gradient(270deg,var(--card) 40%,transparent),
linear-gradient(90deg,transparent 1px,var(--shade) 1px,transparent),
linear-gradient(270deg,transparent 1px,var(--shade) 1px,transparent);
background-position:0 0,100% 0,0 0,100% 0;background-size:3rem 110%,3rem 110%,1rem 100%,1rem 100%}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.32rem .6rem;text-align:right;white-space:nowrap;vertical-align:baseline;
border-bottom:1px solid var(--grid)}
tr:last-child td,tr:last-child th{border-bottom:0}
th:first-child,td:first-child{padding-left:0}
th{font-weight:600;color:var(--faint)}th[scope=col]{vertical-align:bottom}
th small{display:block;font-weight:400}
th[scope=row]{color:var(--ink);font-weight:500}
.words{text-align:left}.long{white-space:normal;min-width:13rem}
td.bar{min-width:5rem;width:22%}
td.bar{vertical-align:middle}
td.bar div{height:.7rem;border-radius:3px;background:var(--accent);min-width:1px}
.interval{color:var(--faint);font-size:.85em}
figcaption,.caption{color:var(--faint);font-size:.85rem;margin:.75rem 0 0}
figure{margin:0}
svg{display:block;width:100%;height:auto}
svg text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--ink)}
svg .tick,svg .axis{fill:var(--faint)}
svg .grid{stroke:var(--grid);stroke-width:1}
svg .line{fill:none;stroke-width:2;stroke-linejoin:round}
svg .limit{fill:none;stroke-width:1.6;stroke-dasharray:6 4}
svg .interval{stroke-width:1.5;opacity:.7}
svg circle{stroke:var(--card);stroke-width:1}
svg circle.dense{opacity:0}svg circle.dense:hover{opacity:1}
svg .label{paint-order:stroke;stroke:var(--card);stroke-width:3px;stroke-linejoin:round}
.narrow{display:none}
@media(max-width:640px){main{padding:1.25rem .75rem 3rem}section,.conclusion{padding:.9rem}.wide{display:none}
.narrow{display:block}dl{grid-template-columns:1fr}dd{margin:0 0 .35rem}th,td{padding:.32rem .4rem}
.long{min-width:9rem}td.bar{min-width:3rem}th[scope=col],th.name{white-space:normal}th.name{min-width:8rem}
.interval{display:block}}
.stack{margin:0 0 .8rem}.stack p{display:flex;justify-content:space-between;margin:0 0 .2rem;font-size:.9rem}
.stack p span{color:var(--faint)}
.parts{display:flex;height:1.6rem;border-radius:5px;overflow:hidden}
.parts div{min-width:1px;border-right:1px solid var(--card)}
ul.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;list-style:none;margin:.5rem 0 0;padding:0;font-size:.85rem}
ul.legend li::before{content:"";display:inline-block;width:.8em;height:.8em;margin-right:.4em;border-radius:2px;
background:var(--c);vertical-align:-.05em}
ul.legend li.limit::before{width:1.7em;height:0;border-top:2px dashed var(--c);background:none;vertical-align:.25em}
footer{color:var(--faint);font-size:.85rem}
@media print{body{background:#fff}section{break-inside:avoid}}
)";

std::string color(std::size_t i) {
  return fmt::format("var(--s{})", i % series_colors);
}

const char* class_of(Tone tone) {
  switch (tone) {
    case Tone::good:
      return "good";
    case Tone::bad:
      return "bad";
    case Tone::warning:
      return "warning";
    case Tone::plain:
      break;
  }
  return "plain";
}

bool is_words(const Column& column) {
  return column.format == Format::text;
}

/// Sentences break into lines; names do not, but for long ones on a phone.
const char* words_class(std::string_view text) {
  constexpr std::size_t longest_name = 28, longest_on_phone = 16;
  const std::size_t width = width_of(text);
  return width > longest_name ? "words long" : width > longest_on_phone ? "words name" : "words";
}

/// A row's name, which may break after each underscore.
std::string breakable(std::string_view name) {
  std::string out;
  for (const char c : escaped(name)) {
    out += c;
    if (c == '_') out += "<wbr>";
  }
  return out;
}

class Page {
 public:
  std::string write(const Document& document) {
    for (const Element& element : document.elements) std::visit([this](const auto& e) { take_names(e); }, element);
    out_ =
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n";
    out_ +=
        fmt::format("<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n", escaped(document.title), style);
    out_ += fmt::format("<h1>{}</h1>\n", escaped(document.title));
    if (!document.conclusion.empty())
      out_ += fmt::format("<p class=\"conclusion {}\">{}</p>\n", class_of(document.tone), escaped(document.conclusion));
    if (!document.facts.empty()) {
      out_ += "<dl>\n";
      for (const auto& [name, value] : document.facts)
        out_ += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value));
      out_ += "</dl>\n";
    }
    for (const Element& element : document.elements) std::visit([this](const auto& e) { add(e); }, element);
    return std::move(out_) +
           "<footer>Made by Speed Wins. This file is complete: it loads nothing.</footer>\n</main>\n" +
           "</body>\n</html>\n";
  }

 private:
  /// A part that several charts show has one colour in all of them.
  template <class T>
  void take_names(const T& element) {
    if constexpr (std::is_same_v<T, StackedBars> || std::is_same_v<T, Timeline>)
      for (const std::string& name : names_of(element)) add_once(names_, name);
  }

  void begin(const std::string& title) {
    out_ += "<section>\n";
    if (!title.empty()) out_ += fmt::format("<h2>{}</h2>\n", escaped(title));
  }
  void end(const std::string& caption) {
    if (!caption.empty()) out_ += fmt::format("<p class=\"caption\">{}</p>\n", escaped(caption));
    out_ += "</section>\n";
  }

  void add(const Note& note) {
    out_ += fmt::format("<section class=\"conclusion {}\"><p class=\"note\">{}</p></section>\n", class_of(note.tone),
                        escaped(note.text));
  }

  void add(const Table& table) {
    begin(table.title);
    out_ += "<div class=\"scroll\"><table>\n";
    const bool named = std::ranges::any_of(table.columns, [](const Column& c) { return !c.name.empty(); });
    if (named) {
      out_ += "<tr>";
      for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const Column& column = table.columns[i];
        const bool left = i == 0 || is_words(column) || column.format == Format::bar;
        out_ += fmt::format("<th scope=\"col\"{}>{}{}</th>", left ? " class=\"words\"" : "", escaped(column.name),
                            column.unit.empty() ? "" : fmt::format("<small>{}</small>", escaped(column.unit)));
      }
      out_ += "</tr>\n";
    }
    for (const auto& row : table.rows) {
      out_ += "<tr>";
      for (std::size_t i = 0; i < row.size() && i < table.columns.size(); ++i) cell(row[i], table.columns[i], i == 0);
      out_ += "</tr>\n";
    }
    out_ += "</table></div>\n";
    end(table.caption);
  }

  void cell(const Cell& value, const Column& column, bool first) {
    if (first) {
      const std::string text = cell_text(value, column.format);
      out_ += fmt::format("<th scope=\"row\" class=\"{}\">{}</th>", words_class(text), breakable(text));
      return;
    }
    if (column.format == Format::bar) {
      const auto* share = std::get_if<double>(&value);
      out_ += "<td class=\"bar\">";
      if (share && std::isfinite(*share))
        out_ += fmt::format("<div style=\"width:{:.1f}%\"></div>", 100 * std::clamp(*share, 0.0, 1.0));
      out_ += "</td>";
      return;
    }
    if (const auto* e = std::get_if<Estimate>(&value); e && e->low != e->high) {
      out_ += fmt::format("<td>{} <span class=\"interval\">[{}, {}]</span></td>", show(e->value, column.format),
                          show(e->low, column.format), show(e->high, column.format));
      return;
    }
    const std::string text = cell_text(value, column.format);
    out_ += is_words(column) ? fmt::format("<td class=\"{}\">{}</td>", words_class(text), escaped(text))
                             : fmt::format("<td>{}</td>", escaped(text));
  }

  void legend(const std::vector<std::string>& names) {
    out_ += "<ul class=\"legend\">";
    for (std::size_t i = 0; i < names.size(); ++i)
      out_ += fmt::format("<li style=\"--c:{}\">{}</li>", color(index_of(names_, names[i])), escaped(names[i]));
    out_ += "</ul>\n";
  }

  void add(const StackedBars& chart) {
    begin(chart.title);
    for (const Stack& stack : chart.stacks) {
      const double total = total_of(stack);
      out_ += fmt::format("<div class=\"stack\"><p>{} <span>{} {}</span></p><div class=\"parts\">",
                          escaped(stack.label), show_number(total), escaped(chart.unit));
      for (const Stack::Part& part : stack.parts) {
        if (!(part.value > 0) || !(total > 0)) continue;
        out_ += fmt::format("<div style=\"width:{:.3f}%;background:{}\" title=\"{}: {} {}, {}\"></div>",
                            100 * part.value / total, color(index_of(names_, part.name)), escaped(part.name),
                            show_number(part.value), escaped(chart.unit), show(part.value / total, Format::percent));
      }
      out_ += "</div></div>\n";
    }
    legend(names_of(chart));
    end(chart.caption);
  }

  /// `draw` makes the chart at a width.
  void both_widths(auto&& draw) {
    out_ += "<div class=\"wide\">" + draw(880) + "</div><div class=\"narrow\">" + draw(340) + "</div>\n";
  }

  void add(const Plot& plot) {
    begin(plot.title);
    both_widths([&](int width) { return svg(plot, width); });
    out_ += "<ul class=\"legend\">";
    for (std::size_t i = 0; i < plot.series.size(); ++i)
      if (!plot.series[i].name.empty())
        out_ +=
            fmt::format("<li{} style=\"--c:{}\">{}</li>", plot.series[i].mark == Mark::limit ? " class=\"limit\"" : "",
                        color(i), escaped(plot.series[i].name));
    out_ += "</ul>\n";
    end(plot.caption);
  }

  void add(const Timeline& timeline) {
    begin(timeline.title);
    both_widths([&](int width) { return svg(timeline, names_, width); });
    legend(names_of(timeline));
    end(timeline.caption);
  }

  std::string out_;
  std::vector<std::string> names_;  ///< of all parts of stacks and timelines: the i-th has the i-th colour
};

}  // namespace

std::string to_html(const Document& document) {
  return Page().write(document);
}

}  // namespace sw::report
