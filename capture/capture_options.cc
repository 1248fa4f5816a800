#include "capture/capture_options.h"

#include <algorithm>
#include <cstring>

#include "capture/support/parse_number.h"

namespace warmdump {
namespace {

constexpr std::string_view kInfoPrefix = "info.";
constexpr std::string_view kHintPrefix = "hint.";
constexpr unsigned kThreadsMax = 64;

Error invalid(const char* what) {
  return Error::make(ErrorCode::invalid, what);
}

Result<void> set_dump_level(std::string_view value, CaptureOptions& options) {
  const auto level = parse_number(value);
  if (!level || *level > kDumpLevelMax) return invalid("dump level must be a number from 0 to 31");
  options.dump_level = static_cast<unsigned>(*level);
  return {};
}

Result<void> set_threads(std::string_view value, CaptureOptions& options) {
  const auto threads = parse_number(value);
  if (!threads || *threads > kThreadsMax)
    return invalid("number of threads must be from 0 to 64; no more than 4 are used");
  options.threads = static_cast<unsigned>(*threads);
  return {};
}

Result<void> set_final_action(std::string_view value, CaptureOptions& options) {
  if (value == "warm") {
    options.final_action = FinalAction::warm_reset;
  } else if (value == "off") {
    options.final_action = FinalAction::power_off;
  } else if (value == "none") {
    options.final_action = FinalAction::halt;
  } else {
    return invalid("reset must be warm, off or none");
  }
  return {};
}

Result<void> add_module(const char* path, const char** modules, std::size_t& count) {
  if (count == CaptureOptions::kModulesMax) return invalid("too many modules");
  modules[count++] = path;
  return {};
}

Result<void> set_range(std::string_view value, CaptureOptions& options) {
  const std::size_t comma = value.find(',');
  if (comma == std::string_view::npos) return invalid("region range must be START,SIZE");
  const auto start = parse_number({value.data(), comma});
  const auto size = parse_number({value.data() + comma + 1, value.size() - comma - 1});
  if (!start || !size) return invalid("region range must be START,SIZE");
  options.region_start = *start;
  options.region_size = *size;
  return {};
}

Result<void> set_hint_value(std::string_view name, std::string_view value, CaptureOptions& options) {
  const auto number = parse_number(value);
  if (!number) return invalid("a hint must be a number");
  // A hint that this program does not know only costs its use.
  [[maybe_unused]] const bool known = set_hint(options.hints, name, *number);
  return {};
}

// "NAME=VALUE", as on the command line.
Result<void> add_hint(std::string_view hint, CaptureOptions& options) {
  const std::size_t equals = hint.find('=');
  if (equals == std::string_view::npos) return invalid("a hint must be NAME=VALUE");
  return set_hint_value(hint.substr(0, equals), {hint.data() + equals + 1, hint.size() - equals - 1},
                        options);
}

Result<void> set_value(std::string_view key, const char* value, CaptureOptions& options) {
  const auto number = parse_number(value);
  if (key == "region_start") {
    if (!number) return invalid("region_start must be an address");
    options.region_start = *number;
    return {};
  }
  if (key == "region_size") {
    if (!number) return invalid("region_size must be a size in bytes");
    options.region_size = *number;
    return {};
  }
  if (key == "dump_level") return set_dump_level(value, options);
  if (key == "threads") return set_threads(value, options);
  if (key == "reset") return set_final_action(value, options);
  if (key == "module") return add_module(value, options.modules, options.module_count);
  if (key.substr(0, kHintPrefix.size()) == kHintPrefix)
    return set_hint_value({key.data() + kHintPrefix.size(), key.size() - kHintPrefix.size()}, value, options);
  if (key == "pmem_module") return add_module(value, options.pmem_modules, options.pmem_module_count);
  return invalid("unknown key");
}

}  // namespace

const char kUsage[] =
    "usage: warmdump-capture --vmcore FILE --region FILE [options]\n"
    "  --vmcore FILE            ELF core of the crashed kernel, usually /proc/vmcore\n"
    "  --region FILE            block device formatted by `warmdump recover`, or a preallocated regular "
    "file\n"
    "  --dump-level N           pages to leave out, 0 to 31 as makedumpfile numbers them (default 31)\n"
    "  --threads N              threads that compress (default 1; 0: as many as processors and memory "
    "allow)\n"
    "  --region-range START,SIZE  physical range of the region in the crashed machine, never read\n"
    "  --hint NAME=VALUE        where the crashed kernel had something; may be repeated, see the manual "
    "page\n"
    "  --overwrite              write over a dump that was not recovered yet\n"
    "  --read | --map           how to read the vmcore; by default /proc/vmcore is mapped, a file is read\n"
    "  --stats                  print counters as key=value lines\n"
    "As process 1 of a crash kernel it reads /warmdump.conf instead.\n";

Result<void> parse_arguments(int argc, char** argv, CaptureOptions& options) {
  bool has_vmcore = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--stats") {
      options.stats = true;
      continue;
    }
    if (name == "--overwrite") {
      options.overwrite = true;
      continue;
    }
    if (name == "--read" || name == "--map") {
      options.access = name == "--map" ? VmcoreMemory::Access::map : VmcoreMemory::Access::read;
      continue;
    }
    if (name != "--vmcore" && name != "--region" && name != "--dump-level" && name != "--region-range" &&
        name != "--threads" && name != "--hint") {
      return invalid("unknown option; see --help");
    }
    if (i + 1 == argc) return invalid("an option lacks its value; see --help");
    const char* value = argv[++i];
    if (name == "--vmcore") {
      options.vmcore_path = value;
      has_vmcore = true;
    } else if (name == "--region") {
      options.region_path = value;
    } else if (name == "--dump-level") {
      TRY(set_dump_level(value, options));
    } else if (name == "--hint") {
      TRY(add_hint(value, options));
    } else if (name == "--threads") {
      TRY(set_threads(value, options));
    } else {
      TRY(set_range(value, options));
    }
  }
  if (!has_vmcore || options.region_path == nullptr)
    return invalid("--vmcore and --region are needed; see --help");
  return {};
}

Result<void> parse_configuration(char* text, std::size_t size, std::span<char> info_buffer,
                                 CaptureOptions& options) {
  std::size_t info_size = 0;
  std::uint64_t line_number = 0;
  char* const end = text + size;
  for (char* line = text; line < end;) {
    ++line_number;
    char* line_end = std::find(line, end, '\n');
    char* next = line_end == end ? end : line_end + 1;
    if (line_end == end) --line_end;  // the last line needs a terminator too: its last byte must be a newline
    *line_end = '\0';
    if (*line != '\0' && *line != '#') {
      char* equals = std::strchr(line, '=');
      if (equals == nullptr) return invalid("no '=' in configuration").at(WhereKind::line, line_number);
      const std::string_view key(line, static_cast<std::size_t>(equals - line));
      if (key.substr(0, kInfoPrefix.size()) == kInfoPrefix) {
        const char* info = line + kInfoPrefix.size();
        const std::size_t length = std::strlen(info);
        if (info_size + length + 1 <= info_buffer.size()) {
          std::memcpy(info_buffer.data() + info_size, info, length);
          info_size += length;
          info_buffer[info_size++] = '\n';
        }
      } else if (auto set = set_value(key, equals + 1, options); !set.has_value()) {
        return set.error().at(WhereKind::line, line_number);
      }
    }
    line = next;
  }
  options.info = {info_buffer.data(), info_size};
  return {};
}

}  // namespace warmdump
