#pragma once

#include <string>
#include <string_view>

namespace sw {

/// How text is set for a terminal or a pipe. Texts may hold colour sequences; widths are columns.
struct TextStyle {
  bool colour = false;
  bool ascii = false;
  int width = 80;

  std::string bold(std::string_view text) const { return paint("1", text); }
  std::string dim(std::string_view text) const { return paint("2", text); }
  std::string good(std::string_view text) const { return paint("32", text); }
  std::string bad(std::string_view text) const { return paint("31", text); }
  std::string warm(std::string_view text) const { return paint("33", text); }
  std::string cool(std::string_view text) const { return paint("36", text); }
  /// By difficulty 1 … 5: green to red.
  std::string graded(int difficulty, std::string_view text) const;

  /// `text` in lines of at most `width` columns, each after `indent` spaces, ended by a line break.
  std::string paragraph(std::string_view text, int indent = 0) const;
  /// The same, with `label` before the first line.
  std::string labelled(std::string_view label, std::string_view text, int indent) const;
  /// "████░░░░", `columns` wide.
  std::string bar(int part, int whole, int columns) const;
  /// What is written at last: with --ascii every other character is spelled out or left out.
  std::string finish(std::string_view text) const;

 private:
  std::string paint(std::string_view code, std::string_view text) const;
};

/// Columns of a terminal that `text` takes; colour sequences take none.
int columns_of(std::string_view text);
/// At most `columns` of it, ended by an ellipsis where something was left out.
std::string shortened(std::string_view text, int columns);
/// `text` and spaces up to `columns`.
std::string padded(std::string_view text, int columns);

/// "3 minutes", "2 h 5 min", "4 days"
std::string duration_text(long long seconds);

}  // namespace sw
