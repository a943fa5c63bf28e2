#pragma once

#include <string>
#include <unordered_map>

namespace sw {

/// The order in which clients' requests are served, so that each gets the same share of the machine however many
/// requests it sends: self-clocked fair queueing (Golestani 1994), with tokens as the unit of service.
class FairShare {
 public:
  /// The place of a client's next request of `tokens`: requests are served in ascending order of places.
  double place(const std::string& client, double tokens);
  /// `tokens` more than the client's places have counted, or less.
  void charge(const std::string& client, double tokens);
  /// The request at `place` is being served.
  void started(double place);
  /// Nobody waits: what was is forgotten.
  void idle();

 private:
  double now_ = 0;
  std::unordered_map<std::string, double> last_;  // of each client: the place of its latest request
};

}  // namespace sw
