#include "measure/trace.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace sw {
namespace {

using Json = nlohmann::ordered_json;

Json metadata(const char* what, const std::string& name) {
  return {{"name", what}, {"ph", "M"}, {"pid", 1}, {"tid", 1}, {"args", {{"name", name}}}};
}

Json complete(const std::string& name, const std::string& category, std::int64_t from, std::int64_t begin,
              std::int64_t end, Json arguments) {
  return {{"name", name},
          {"cat", category},
          {"ph", "X"},
          {"ts", static_cast<double>(begin - from) / 1e3},
          {"dur", static_cast<double>(end - begin) / 1e3},
          {"pid", 1},
          {"tid", 1},
          {"args", std::move(arguments)}};
}

Json arguments_of(const SpanRecord& span) {
  Json arguments = Json::object();
  const double us = static_cast<double>(span.end_ns - span.begin_ns) / 1e3;
  if (span.layer >= 0) arguments["layer"] = span.layer;
  if (span.bytes > 0) arguments["bytes"] = span.bytes;
  if (span.operations > 0) arguments["operations"] = span.operations;
  if (us > 0 && span.bytes > 0) arguments["GB/s"] = span.bytes / us / 1e3;
  if (us > 0 && span.operations > 0) arguments["GOP/s"] = span.operations / us / 1e3;
  return arguments;
}

}  // namespace

std::string chrome_trace(std::span<const PhaseTrace> phases, const std::string& title) {
  std::int64_t from = std::numeric_limits<std::int64_t>::max();
  for (const PhaseTrace& phase : phases)
    for (const PassRecord& pass : phase.passes) from = std::min(from, pass.begin_ns);

  Json events = Json::array({metadata("process_name", title), metadata("thread_name", "forward passes")});
  for (const PhaseTrace& phase : phases) {
    for (const PassRecord& pass : phase.passes)
      events.push_back(complete(phase.name, "pass", from, pass.begin_ns, pass.end_ns, {{"tokens", pass.tokens}}));
    for (const SpanRecord& span : phase.spans)
      events.push_back(complete(span.op, phase.name, from, span.begin_ns, span.end_ns, arguments_of(span)));
  }
  return Json{{"displayTimeUnit", "ms"}, {"traceEvents", std::move(events)}}.dump(-1, ' ', false,
                                                                                  Json::error_handler_t::replace);
}

}  // namespace sw
