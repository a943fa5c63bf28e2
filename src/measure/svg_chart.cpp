#include "measure/svg_chart.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "measure/plot_scale.hpp"
#include "measure/report_text.hpp"

namespace sw::report {
namespace {

constexpr double character = 6.7;  // the mean advance of 12-unit text, rounded up

struct Box {
  double left, top, right, bottom;
  bool overlaps(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

std::string open_svg(int width, double height, const std::string& title) {
  return fmt::format(
      "<svg viewBox=\"0 0 {} {:.0f}\" role=\"img\" aria-label=\"{}\" xmlns=\"http://www.w3.org/2000/svg\">\n", width,
      height, escaped(title));
}

std::string text_at(double x, double y, const char* anchor, std::string_view text, const char* kind = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n", x, y, anchor, kind,
                     escaped(text));
}

class PlotWriter {
 public:
  PlotWriter(const Plot& plot, int width)
      : plot_(plot), scales_(scales_of(plot)), height_(width < 500 ? 280 : 380), width_(width) {
    std::size_t widest = 2;
    y_ticks_ = scales_.y.ticks(5);
    for (const double tick : y_ticks_) widest = std::max(widest, show_tick(tick).size());
    left_ = 12 + character * static_cast<double>(widest);
  }

  std::string write() {
    out_ = open_svg(width_, height_, plot_.title);
    axes();
    // Limits last: they must be seen through a cloud of points.
    for (const bool limits : {false, true})
      for (std::size_t i = 0; i < plot_.series.size(); ++i)
        if ((plot_.series[i].mark == Mark::limit) == limits) draw(plot_.series[i], i);
    for (std::size_t i = 0; i < plot_.series.size(); ++i) label(plot_.series[i]);
    return out_ + "</svg>\n";
  }

 private:
  double x(double value) const { return left_ + scales_.x.at(value) * (width_ - right_ - left_); }
  double y(double value) const { return height_ - bottom_ - scales_.y.at(value) * (height_ - bottom_ - top_); }
  bool has(const Point& point) const { return scales_.x.has(point.x) && scales_.y.has(point.y); }

  void axes() {
    for (const double tick : y_ticks_) {
      out_ += fmt::format("<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\" class=\"grid\"/>\n", left_,
                          width_ - right_, y(tick), y(tick));
      out_ += text_at(left_ - 6, y(tick) + 4, "end", show_tick(tick), "tick");
    }
    double free = 0;
    for (const double tick : scales_.x.ticks(width_ < 500 ? 4 : 8)) {
      const std::string label = show_tick(tick);
      const double half = character * static_cast<double>(label.size()) / 2;
      if (x(tick) - half < free || x(tick) + half > width_) continue;
      free = x(tick) + half + 8;
      out_ += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" class=\"grid\"/>\n",
                          x(tick), top_, height_ - bottom_);
      out_ += text_at(x(tick), height_ - bottom_ + 16, "middle", label, "tick");
    }
    out_ += text_at((left_ + width_ - right_) / 2, height_ - 6, "middle", plot_.x.label, "axis");
    out_ += text_at(2, 12, "start", plot_.y.label, "axis");
  }

  void draw(const Series& series, std::size_t index) {
    const std::string color = fmt::format("var(--s{})", index % series_colors);
    if (series.mark != Mark::points) {
      std::string path;
      for (const Point& point : series.points)
        if (has(point)) path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : " L", x(point.x), y(point.y));
      out_ += fmt::format("<path d=\"{}\" class=\"{}\" style=\"stroke:{}\"/>\n", path,
                          series.mark == Mark::limit ? "limit" : "line", color);
    }
    if (series.mark == Mark::limit) return;
    // Marks that would hide their line show only when pointed at.
    constexpr double least_gap = 12;
    const bool dense =
        series.mark == Mark::line && static_cast<double>(series.points.size()) * least_gap > width_ - right_ - left_;
    for (const Point& point : series.points) {
      if (!has(point)) continue;
      const double at_x = x(point.x), at_y = y(point.y);
      if (point.low != point.high && scales_.y.has(point.low))
        out_ += fmt::format(
            "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" class=\"interval\" "
            "style=\"stroke:{3}\"/>\n",
            at_x, y(point.low), y(point.high), color);
      out_ += fmt::format(
          "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"{} style=\"fill:{}\"><title>{}: {} {}, {} {}</title></circle>\n",
          at_x, at_y, series.mark == Mark::points ? 4.5 : 3.0, dense ? " class=\"dense\"" : "", color,
          escaped(point.label.empty() ? series.name : point.label), show_number(point.x), escaped(plot_.x.label),
          show_number(point.y), escaped(plot_.y.label));
      taken_.push_back({at_x - 5, at_y - 5, at_x + 5, at_y + 5});
    }
  }

  /// Beside its point wherever it covers nothing; left out where there is no such place (pointing at it tells).
  void label(const Series& series) {
    for (const Point& point : series.points) {
      if (point.label.empty() || !has(point)) continue;
      const double length = character * static_cast<double>(width_of(point.label));
      const double at_x = x(point.x), at_y = y(point.y);
      const Box places[] = {{at_x + 8, at_y - 6, at_x + 8 + length, at_y + 6},
                            {at_x - 8 - length, at_y - 6, at_x - 8, at_y + 6},
                            {at_x - length / 2, at_y - 19, at_x + length / 2, at_y - 7},
                            {at_x - length / 2, at_y + 7, at_x + length / 2, at_y + 19},
                            {at_x + 6, at_y - 18, at_x + 6 + length, at_y - 6},
                            {at_x + 6, at_y + 6, at_x + 6 + length, at_y + 18}};
      const auto place = std::ranges::find_if(places, [&](const Box& box) {
        return box.left >= left_ && box.right <= width_ && box.top >= top_ && box.bottom <= height_ - bottom_ &&
               std::ranges::none_of(taken_, [&](const Box& other) { return box.overlaps(other); });
      });
      if (place == std::end(places)) continue;
      taken_.push_back(*place);
      out_ += text_at(place->left, place->bottom - 2, "start", point.label, "label");
    }
  }

  const Plot& plot_;
  Scales scales_;
  double height_, left_ = 0;
  int width_;
  static constexpr double right_ = 12, top_ = 24, bottom_ = 40;
  std::vector<double> y_ticks_;
  std::vector<Box> taken_;
  std::string out_;
};

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // Control characters have no place in XML.
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
  return out;
}

std::string svg(const Plot& plot, int width) {
  return PlotWriter(plot, width).write();
}

std::string svg(const Timeline& timeline, const std::vector<std::string>& names, int width) {
  const Extent extent = extent_of(timeline);
  constexpr double row = 26, label = 16, bottom = 24;
  const double height = static_cast<double>(timeline.lanes.size()) * (row + label) + bottom;
  const double scale = (width - 2) / (extent.end - extent.begin);
  std::string out = open_svg(width, height, timeline.title);
  double top = 0;
  for (const Timeline::Lane& lane : timeline.lanes) {
    out += text_at(0, top + 12, "start", lane.name, "label");
    for (const Timeline::Span& span : lane.spans) {
      const double x = (span.begin - extent.begin) * scale;
      out += fmt::format(
          "<rect x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.0f}\" style=\"fill:var(--s{})\">"
          "<title>{} {} {}</title></rect>\n",
          x, top + label, std::max(0.3, (span.end - span.begin) * scale - 0.2), row - 6,
          index_of(names, span.name) % series_colors, escaped(span.name), show_number(span.end - span.begin),
          escaped(timeline.unit));
    }
    top += row + label;
  }
  const Scale axis(std::vector<double>{extent.begin, extent.end}, Axis{});
  for (const double tick : axis.ticks(width < 500 ? 3 : 6)) {
    const double x = (tick - extent.begin) * scale;
    const std::string words = show_tick(tick) + ' ' + timeline.unit;
    const double length = character * static_cast<double>(width_of(words));
    if (x < 0 || x + length > width) continue;
    out += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"0\" y2=\"{1:.1f}\" class=\"grid\"/>\n", x, top);
    out += text_at(x, height - 8, "start", words, "tick");
  }
  return out + "</svg>\n";
}

}  // namespace sw::report
