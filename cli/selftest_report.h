// What `warmdump recover` tells of the tests that were under way.

#pragma once

#include <nlohmann/json_fwd.hpp>

#include "selftest/retention/retention_test.h"

namespace warmdump {

// On standard output, a failure on standard error.
void print_retention_step(const RetentionStep& step);
nlohmann::json retention_step_as_json(const RetentionStep& step);

}  // namespace warmdump
