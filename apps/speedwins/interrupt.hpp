#pragma once

#include <atomic>

namespace sw {

/// From now on the first Ctrl-C sets the flag returned, so that what there is can be shown; a second one ends the
/// program as usual. Calling it again clears the flag.
const std::atomic<bool>& catch_interrupt();
/// From now on Ctrl-C ends the program as usual.
void release_interrupt();

}  // namespace sw
