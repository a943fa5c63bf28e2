#pragma once

#include <string>
#include <string_view>

#include "hub/url.hpp"
#include "loadtest/prompts.hpp"

namespace sw::loadtest {

/// The server under test and how it is asked.
struct LoadTarget {
  Url url;           ///< of the endpoint
  bool chat = true;  ///< /chat/completions; otherwise /completions
  bool stream = true;
  bool verify_tls = true;
  bool greedy = false;      ///< ask for temperature 0
  bool ignore_eos = false;  ///< a field some servers know, that makes answers exactly max_tokens long
  std::string model, api_key;
};

/// The endpoint meant by what a user wrote: "localhost:8080", "http://host/v1", or the address of an endpoint itself.
/// `chat` decides where the address does not; it is set to what the address says.
Result<Url> endpoint_url(std::string_view text, bool& chat);

/// The first model that the server lists at /v1/models.
Result<std::string> first_model(const LoadTarget& target);

/// Header and body of a POST.
std::string request_text(const LoadTarget& target, const LoadPrompt& prompt);

}  // namespace sw::loadtest
