#pragma once

#include <vector>

#include "tasks/task.hpp"

namespace sw {

/// The tasks that come with the program: content/tasks, in the order of its README.
Result<std::vector<TaskItem>> task_suite();

}  // namespace sw
