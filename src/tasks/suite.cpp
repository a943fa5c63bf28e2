#include "tasks/suite.hpp"

#include <string_view>

// The assembler copies the files into the program's read-only data, so that the program needs no folder beside it.
#define SW_EMBED(name, file)                            \
  asm(".section .rodata\n" name                         \
      "_begin:\n"                                       \
      ".incbin \"" SPEEDWINS_TASKS "/" file "\"\n" name \
      "_end:\n"                                         \
      ".byte 0\n"                                       \
      ".previous\n")

SW_EMBED("speedwins_classification", "classification.jsonl");
SW_EMBED("speedwins_extraction", "extraction.jsonl");
SW_EMBED("speedwins_arithmetic", "arithmetic.jsonl");
SW_EMBED("speedwins_recall", "recall.jsonl");
SW_EMBED("speedwins_instructions", "instructions.jsonl");
SW_EMBED("speedwins_summarizing", "summarizing.jsonl");

extern "C" {
extern const char speedwins_classification_begin[], speedwins_classification_end[];
extern const char speedwins_extraction_begin[], speedwins_extraction_end[];
extern const char speedwins_arithmetic_begin[], speedwins_arithmetic_end[];
extern const char speedwins_recall_begin[], speedwins_recall_end[];
extern const char speedwins_instructions_begin[], speedwins_instructions_end[];
extern const char speedwins_summarizing_begin[], speedwins_summarizing_end[];
}

namespace sw {

Result<std::vector<TaskItem>> task_suite() {
  const std::pair<const char*, std::string_view> files[] = {
      {"classification.jsonl", {speedwins_classification_begin, speedwins_classification_end}},
      {"extraction.jsonl", {speedwins_extraction_begin, speedwins_extraction_end}},
      {"arithmetic.jsonl", {speedwins_arithmetic_begin, speedwins_arithmetic_end}},
      {"recall.jsonl", {speedwins_recall_begin, speedwins_recall_end}},
      {"instructions.jsonl", {speedwins_instructions_begin, speedwins_instructions_end}},
      {"summarizing.jsonl", {speedwins_summarizing_begin, speedwins_summarizing_end}}};
  std::vector<TaskItem> suite;
  for (const auto& [name, text] : files) {
    SW_ASSIGN(auto items, parse_tasks(text, name));
    suite.insert(suite.end(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
  }
  return suite;
}

}  // namespace sw
