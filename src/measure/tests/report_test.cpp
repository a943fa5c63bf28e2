#include "measure/report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "measure/plot_scale.hpp"
#include "measure/report_text.hpp"

namespace sw::report {
namespace {

Document example() {
  Document document;
  document.title = "bench of a model <with> \"a name\" & more";
  document.facts = {{"machine", "a processor with a rather long name, two threads of it, and a story that goes on"},
                    {"model", "demo"}};
  Table table{.title = "times",
              .columns = {{"op", "", Format::text},
                          {"time", "ms"},
                          {"share", "", Format::percent},
                          {"", "", Format::bar},
                          {"size", "", Format::bytes},
                          {"remark", "", Format::text}},
              .rows = {},
              .caption = "a caption"};
  table.rows.push_back({"gate, up", Estimate{12.345, 12.1, 12.6}, 0.5, 0.5, 349.1e6, "the longest of all of them"});
  table.rows.push_back({"down", 1.5, 0.25, 0.25, 1e3, std::monostate{}});
  table.rows.push_back({"ends early", 0.001234});
  document.elements.push_back(table);
  document.elements.push_back(StackedBars{
      .title = "shares", .unit = "ms", .stacks = {{"prefill", {{"a", 3}, {"b", 1}}}, {"decode", {{"b", 2}}}}});
  document.elements.push_back(
      Plot{.title = "trend",
           .x = {"run"},
           .y = {"tok/s"},
           .series = {{"decode", Mark::line, {{1, 10, 9, 11, ""}, {2, 12, 12, 12, "best"}, {3, 11, 0, 0, ""}}},
                      {"limit", Mark::limit, {{1, 20, 0, 0, ""}, {3, 20, 0, 0, ""}}}}});
  document.elements.push_back(
      Timeline{.title = "one pass", .unit = "ms", .lanes = {{"decode", {{"a", 0, 1}, {"b", 1, 3}}}}});
  document.elements.push_back(Note{"mind this", Tone::warning});
  document.conclusion = "It is as it is.";
  return document;
}

std::size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, width_of(line));
  return widest;
}

TEST(Report, numbers_keep_three_digits) {
  EXPECT_EQ(show_number(0), "0");
  EXPECT_EQ(show_number(0.012345), "0.0123");
  EXPECT_EQ(show_number(1.2345), "1.23");
  EXPECT_EQ(show_number(9.996), "10.0");
  EXPECT_EQ(show_number(99.96), "100");
  EXPECT_EQ(show_number(12345.6), "12346");
  EXPECT_EQ(show_number(-3.14159), "-3.14");
  EXPECT_EQ(show_number(std::nan("")), "-");
  EXPECT_EQ(show(0.256, Format::percent), "25.6%");
  EXPECT_EQ(show_bytes(349.1e6), "349.1 MB");
}

TEST(Report, no_line_of_a_terminal_report_is_wider_than_the_terminal) {
  for (const int width : {40, 60, 80, 100})
    EXPECT_LE(widest_line(to_terminal(example(), {.width = width})), static_cast<std::size_t>(width)) << width;
}

TEST(Report, a_narrow_terminal_loses_no_column) {
  const std::string text = to_terminal(example(), {.width = 40});
  for (const char* name : {"time", "share", "size", "remark"}) EXPECT_NE(text.find(name), std::string::npos) << name;
}

TEST(Report, without_colour_and_unicode_it_is_plain_ascii) {
  const std::string text = to_terminal(example(), {.width = 80, .color = false, .unicode = false});
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  EXPECT_NE(text.find("##"), std::string::npos);
  EXPECT_NE(text.find("note: mind this"), std::string::npos);
}

TEST(Report, colour_changes_nothing_but_colour) {
  const std::string plain = to_terminal(example(), {.width = 80});
  std::string colored = to_terminal(example(), {.width = 80, .color = true}), stripped;
  EXPECT_NE(colored, plain);
  for (std::size_t i = 0; i < colored.size(); ++i) {
    if (colored[i] == '\x1b')
      i = colored.find('m', i);
    else
      stripped += colored[i];
  }
  EXPECT_EQ(stripped, plain);
}

TEST(Report, a_csv_quotes_what_needs_it_and_keeps_every_digit) {
  const std::string csv = to_csv(example());
  EXPECT_EQ(csv.substr(0, csv.find("\r\n")), "table,row,column,unit,value,low,high");
  EXPECT_NE(csv.find("times,\"gate, up\",time,ms,12.345,12.1,12.6\r\n"), std::string::npos);
  EXPECT_NE(csv.find("times,\"gate, up\",size,bytes,349100000,,\r\n"), std::string::npos);
  EXPECT_NE(csv.find("shares,prefill,a,ms,3,,\r\n"), std::string::npos);
  EXPECT_NE(csv.find("trend,decode,run = 1,tok/s,10,9,11\r\n"), std::string::npos);
  std::istringstream lines(csv);
  for (std::string line; std::getline(lines, line);) {
    bool quoted = false;
    EXPECT_EQ(
        std::ranges::count_if(line, [&](char c) { return c == '"' ? (quoted = !quoted, false) : !quoted && c == ','; }),
        6)
        << line;
  }
}

TEST(Report, a_page_escapes_text_and_needs_no_network) {
  const std::string html = to_html(example());
  EXPECT_NE(html.find("bench of a model &lt;with&gt; &quot;a name&quot; &amp; more"), std::string::npos);
  EXPECT_EQ(html.find("<with>"), std::string::npos);
  for (const char* loads : {"src=", "href=", "url(", "@import", "<script"})
    EXPECT_EQ(html.find(loads), std::string::npos) << loads;
  EXPECT_NE(html.find("prefers-color-scheme:dark"), std::string::npos);
  EXPECT_NE(html.find("name=\"viewport\""), std::string::npos);
  for (const char* element : {"table", "svg", "section", "div", "ul", "p", "tr", "td", "th"}) {
    const auto count = [&](const std::string& tag) {
      std::size_t n = 0;
      for (std::size_t at = html.find(tag); at != std::string::npos; at = html.find(tag, at + 1)) ++n;
      return n;
    };
    EXPECT_EQ(count(std::string("<") + element + ">") + count(std::string("<") + element + " "),
              count(std::string("</") + element + ">"))
        << element;
  }
}

TEST(Report, a_part_has_one_colour_in_all_charts_of_a_page) {
  Document document;
  document.elements = {
      StackedBars{.title = "", .unit = "ms", .stacks = {{"pass", {{"x", 2}, {"y", 1}}}}},
      Timeline{.title = "", .unit = "ms", .lanes = {{"lane", {{"y", 0, 1}, {"z", 1, 2}, {"x", 2, 4}}}}},
  };
  const std::string html = to_html(document);
  for (const char* part : {"0)\">x</li>", "1)\">y</li>", "2)\">z</li>",
                           "0)\" title=\"x:", "1)\" title=\"y:", "1)\"><title>y ", "2)\"><title>z ", "0)\"><title>x "})
    EXPECT_NE(html.find(part), std::string::npos) << part;
  EXPECT_EQ(html.find("1)\">x</li>"), std::string::npos);
  EXPECT_EQ(html.find("0)\">y</li>"), std::string::npos);
}

TEST(Report, values_that_are_not_finite_and_empty_charts_draw_nothing_wrong) {
  Document document;
  document.title = "edge";
  document.elements = {
      Table{},
      Table{.title = "", .columns = {{"a"}}, .rows = {}},
      StackedBars{.title = "none", .unit = "ms", .stacks = {{"zero", {{"a", 0}}}, {"", {}}}},
      Plot{.title = "none", .x = {"x", true}, .y = {"y", true}, .series = {}},
      Plot{.title = "bad",
           .x = {"x", true},
           .y = {"y"},
           .series = {{"s", Mark::line, {{0, 1, 0, 0, ""}, {-1, 2, 0, 0, ""}, {1, std::nan(""), 0, 0, ""}}}}},
      Timeline{.title = "none", .unit = "ms", .lanes = {{"empty", {}}}},
  };
  const std::string html = to_html(document), text = to_terminal(document);
  for (const char* wrong : {"nan", "inf"}) {
    EXPECT_EQ(html.find(std::string("\"") + wrong), std::string::npos) << wrong;
    EXPECT_EQ(text.find(wrong), std::string::npos) << wrong;
  }
  EXPECT_LE(widest_line(text), 80u);
}

TEST(Scale, a_narrow_logarithmic_axis_has_ticks_too) {
  for (const double high : {4.0, 4.5, 6.5, 12.0, 400.0}) {
    const Scale scale(std::vector<double>{4, high}, Axis{"", true});
    const auto ticks = scale.ticks(5);
    EXPECT_GE(ticks.size(), 2u) << high;  // one tells no scale
    for (const double tick : ticks) {
      EXPECT_GE(scale.at(tick), -1e-9) << tick;
      EXPECT_LE(scale.at(tick), 1 + 1e-9) << tick;
    }
  }
}

TEST(Scale, ticks_are_round_and_inside) {
  const Scale linear(std::vector<double>{3, 97}, Axis{});
  EXPECT_EQ(linear.low(), 0);
  EXPECT_EQ(linear.ticks(5), (std::vector<double>{0, 50, 100}));
  const Scale logarithmic(std::vector<double>{1, 1000}, Axis{.logarithmic = true});
  EXPECT_EQ(logarithmic.ticks(5), (std::vector<double>{1, 10, 100, 1000}));
  EXPECT_NEAR(logarithmic.at(std::sqrt(1000.0)), 0.5, 1e-9);
  EXPECT_FALSE(logarithmic.has(0));
  const Scale runs(std::vector<double>{1, 3}, Axis{.counts = true});
  EXPECT_EQ(runs.ticks(8), (std::vector<double>{1, 2, 3}));
  const Scale constant(std::vector<double>{7, 7}, Axis{});
  EXPECT_GT(constant.high(), constant.low());
  EXPECT_GE(constant.at(7), 0);
  EXPECT_LE(constant.at(7), 1);
}

}  // namespace
}  // namespace sw::report
