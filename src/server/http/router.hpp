#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/exchange.hpp"

namespace sw::http {

using Handler = std::function<void(ExchangePtr)>;

enum class Access {
  open,  ///< anyone: probes, documents, the page
  key,   ///< whoever has a key, where the server was given any; counted by limits
};

/// Where a handler runs: `io` is the thread of all connections and for what takes microseconds; `worker` may take its
/// time.
enum class Where { io, worker };

struct Route {
  std::string method, pattern;
  Handler handler;
  Access access = Access::key;
  Where where = Where::io;
};

/// Which handler answers what. Parts of the program mount their routes on it before the server starts.
class Router {
 public:
  /// `pattern` is a path whose last segment may be "{name}", any one segment, or "{name...}", all that is left (perhaps
  /// nothing). Literal paths come before patterns, patterns in the order they were added. GET answers HEAD too.
  void add(Route route);

  struct Match {
    const Route* route = nullptr;  ///< null: nothing there, or not with this method
    std::string_view parameter;    ///< a part of `path`
    std::string allowed;           ///< the methods there are where only the method is wrong
  };
  Match find(std::string_view method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

/// A handler for what is computed at once.
Handler answer_with(std::function<Response(const Request&)> f);

}  // namespace sw::http
