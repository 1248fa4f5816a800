// The machine that the offline self-test crashes: 64 MiB of RAM with pages of every class, a kernel log, two
// processors. Each run has pages and a log of its own, so that no older dump can pass for it.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace warmdump {

inline constexpr std::string_view kSampleKernelRelease = "6.1.0-selftest";

// Text for synthetic::Recipe::parse(). `id`: lower-case hexadecimal digits, an even number of them; stands in
// the log's panic line and in memory. `crash_time_s`: seconds since 1970.
std::string sample_machine_recipe(const std::string& id, std::uint64_t crash_time_s);

// How the panic line of its log reads.
std::string sample_panic_text(const std::string& id);

}  // namespace warmdump
