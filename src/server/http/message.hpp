#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sw::http {

struct Field {
  std::string name, value;
};

struct Request {
  std::string method;        ///< upper case
  std::string path;          ///< without the query, percent-decoded
  std::vector<Field> query;  ///< percent-decoded
  std::vector<Field> headers;
  std::string body;
  std::string parameter;                           ///< what the {…} of the route's pattern stands for
  std::string client;                              ///< whom limits and fairness count: a key's name, else the address
  std::chrono::steady_clock::time_point received;  ///< its last byte

  /// The first header of that name, whatever its case; empty where there is none.
  std::string_view header(std::string_view name) const;
  /// The first parameter of that name in the query; empty where there is none.
  std::string_view parameter_of_query(std::string_view name) const;
  /// The value of a cookie; empty where there is none.
  std::string_view cookie(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<Field> headers;  ///< without Content-Type, Content-Length and Connection
  std::string body;
  std::string_view fixed_body;  ///< instead of `body`: bytes that outlive the server
};

/// An error in OpenAI's form: {"error": {message, type, param, code}}. Empty `param` and `code` become null.
Response error_response(int status, std::string_view message, std::string_view code = {}, std::string_view param = {});

/// Splits "/a%20b?x=1&y=2". False where it is no such thing: bad escapes, a NUL, no leading '/'.
bool parse_target(std::string_view target, std::string& path, std::vector<Field>& query);

/// Appends `text` as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

bool equal_ignoring_case(std::string_view a, std::string_view b);
/// "OK", "Not Found", …
std::string_view reason_phrase(int status);

}  // namespace sw::http
