#include "capture/capture_options.h"

#include "capture/support/parse_number.h"

namespace warmdump {
namespace {

constexpr unsigned kThreadsMax = 64;

Error invalid(const char* what) {
  return Error::make(ErrorCode::invalid, what);
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

Result<void> set_deadline(std::string_view value, CaptureOptions& options) {
  const auto seconds = parse_number(value);
  if (!seconds || *seconds > kDeadlineMaxSeconds) {
    return invalid("--deadline must be a number of seconds, 1000000 at most");
  }
  options.deadline_s = *seconds;
  return {};
}

// "NAME=VALUE", as on the command line.
Result<void> add_hint(std::string_view hint, CaptureOptions& options) {
  const std::size_t equals = hint.find('=');
  if (equals == std::string_view::npos) return invalid("a hint must be NAME=VALUE");
  return set_hint_value({hint.data(), equals}, {hint.data() + equals + 1, hint.size() - equals - 1}, options);
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
    "  --deadline SECONDS       end in order after that time, with the most valuable pages (default: never)\n"
    "  --hint NAME=VALUE        where the crashed kernel had something; may be repeated, see the manual "
    "page\n"
    "  --settings FILE          key=value lines as in /warmdump.conf, for keys to seal and encrypt with\n"
    "  --overwrite              write over a dump that was not recovered yet\n"
    "  --read | --map           how to read the vmcore; by default /proc/vmcore is mapped, a file is read\n"
    "  --stats                  print counters as key=value lines\n"
    "As process 1 of a crash kernel it reads /warmdump.conf and the kernel command line instead.\n";

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
        name != "--deadline" && name != "--threads" && name != "--hint" && name != "--settings") {
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
    } else if (name == "--settings") {
      options.settings_path = value;
    } else if (name == "--deadline") {
      TRY(set_deadline(value, options));
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

Result<void> set_dump_level(std::string_view value, CaptureOptions& options) {
  const auto level = parse_number(value);
  if (!level || *level > kDumpLevelMax) return invalid("dump level must be a number from 0 to 31");
  options.dump_level = static_cast<unsigned>(*level);
  return {};
}

Result<void> set_secret(std::string_view value, CaptureOptions& options) {
  dump_format::BootSecret secret = options.secret;
  if (!parse_hexadecimal(value, secret.secret)) return invalid("a secret has 64 hexadecimal digits");
  secret.is_set = true;
  options.secret = secret;
  return {};
}

Result<void> set_encryption(std::string_view value, CaptureOptions& options) {
  const Error error = invalid("encryption must be KEY_ID:KEY:WRAPPED_KEY in hexadecimal digits");
  dump_format::DumpEncryption encryption;
  const std::span<unsigned char> parts[] = {encryption.key_id, encryption.key, encryption.wrapped_key};
  for (const auto& part : parts) {
    const bool is_last = part.data() == encryption.wrapped_key;
    const std::size_t end = is_last ? value.size() : value.find(':');
    if (end == std::string_view::npos || !parse_hexadecimal({value.data(), end}, part)) return error;
    value.remove_prefix(is_last ? end : end + 1);
  }
  encryption.is_set = true;
  options.encryption = encryption;
  return {};
}

Result<void> set_threads(std::string_view value, CaptureOptions& options) {
  const auto threads = parse_number(value);
  if (!threads || *threads > kThreadsMax)
    return invalid("number of threads must be from 0 to 64; no more than 4 are used");
  options.threads = static_cast<unsigned>(*threads);
  return {};
}

Result<void> set_hint_value(std::string_view name, std::string_view value, CaptureOptions& options) {
  const auto number = parse_number(value);
  if (!number) return invalid("a hint must be a number");
  // A hint that this program does not know only costs its use.
  [[maybe_unused]] const bool known = set_hint(options.hints, name, *number);
  return {};
}

std::optional<FinalAction> final_action_of(std::string_view word) {
  constexpr struct {
    std::string_view word;
    FinalAction action;
  } kWords[] = {
      {"warm", FinalAction::warm_reset}, {"cold", FinalAction::cold_reset}, {"efi", FinalAction::efi_reset},
      {"acpi", FinalAction::acpi_reset}, {"kbd", FinalAction::kbd_reset},   {"off", FinalAction::power_off},
      {"halt", FinalAction::halt},       {"none", FinalAction::halt},
  };
  for (const auto& row : kWords) {
    if (row.word == word) return row.action;
  }
  return {};
}

}  // namespace warmdump
