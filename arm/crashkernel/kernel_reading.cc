#include "arm/crashkernel/kernel_reading.h"

#include <fmt/format.h>

#include <optional>

#include "arm/crashkernel/crashkernel_option.h"
#include "arm/crashkernel/memory_amount.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

constexpr ByteCount kRamRounding = 128 * kMiB;

struct Found {
  std::string_view value;  // behind the prefix, up to the next space
  CrashkernelSuffix suffix = CrashkernelSuffix::none;
  bool spoilt_by_cma = false;  // ends with ,cma, which this kernel does not know
};

// One option as a kernel reads it: sizes, or why it does not take it.
struct Read {
  ByteCount size = 0;
  PhysicalAddress offset = 0;
  std::string refusal;
};

std::vector<Found> find_options(std::string_view command_line, const CrashkernelRules& rules) {
  std::vector<Found> found;
  for (std::size_t at = command_line.find(kCrashkernelPrefix); at != std::string_view::npos;
       at = command_line.find(kCrashkernelPrefix, at + 1)) {
    std::string_view value = command_line.substr(at + kCrashkernelPrefix.size());
    value = value.substr(0, value.find(' '));
    Found option{value};
    for (const CrashkernelSuffix suffix :
         {CrashkernelSuffix::high, CrashkernelSuffix::low, CrashkernelSuffix::cma}) {
      if (!value.ends_with(crashkernel_suffix_text(suffix))) continue;
      if (suffix == CrashkernelSuffix::cma && !rules.knows_cma) {
        option.spoilt_by_cma = true;
      } else {
        option.suffix = suffix;
      }
    }
    found.push_back(option);
  }
  return found;
}

const Found* last_with(const std::vector<Found>& options, CrashkernelSuffix suffix) {
  for (auto option = options.rbegin(); option != options.rend(); ++option) {
    if (option->suffix == suffix) return &*option;
  }
  return nullptr;
}

Read refused(std::string reason) {
  return {0, 0, std::move(reason)};
}

Read read_ranges(std::string_view value, ByteCount ram_size) {
  std::string_view rest = value;
  const auto take_amount = [&rest]() -> std::optional<ByteCount> {
    const MemoryAmount amount = read_memory_amount(rest);
    if (amount.length == 0) return std::nullopt;
    rest.remove_prefix(amount.length);
    return amount.value;
  };
  const auto take = [&rest](char character) {
    if (!rest.starts_with(character)) return false;
    rest.remove_prefix(1);
    return true;
  };
  ByteCount size = 0;
  do {
    const auto start = take_amount();
    if (!start) return refused("a range must begin with a number, as in 1G-4G:96M");
    if (!take('-')) return refused("a range must have a '-', as in 1G-4G:96M");
    ByteCount end = UINT64_MAX;
    if (!rest.starts_with(':')) {
      const auto given = take_amount();
      if (!given) return refused("a range must end with a number or with ':', as in 4G-:128M");
      end = *given;
      if (end <= *start) return refused("a range must end above its start");
    }
    if (!take(':')) return refused("behind a range must come ':' and a size, as in 1G-4G:96M");
    const auto range_size = take_amount();
    if (!range_size) return refused("behind ':' must come a size, as in 1G-4G:96M");
    // Of every range up to the one that matches, not only of that one.
    if (*range_size >= ram_size) {
      return refused(fmt::format("it names a size of {}, which is not less than the machine's RAM",
                                 exact_byte_count(*range_size)));
    }
    if (ram_size >= *start && ram_size < end) {
      size = *range_size;
      break;
    }
  } while (take(','));
  if (size == 0) {
    return refused(
        fmt::format("its ranges give no memory to a machine with {} of RAM; add a range that holds it",
                    readable_byte_count(ram_size)));
  }
  Read read{size, 0, {}};
  const auto at_sign = rest.find('@');
  if (at_sign != std::string_view::npos) {
    rest.remove_prefix(at_sign + 1);
    const auto offset = take_amount();
    if (!offset) return refused("behind '@' must come an address, as in @0x20000000");
    read.offset = *offset;
  }
  return read;
}

Read read_simple(std::string_view value) {
  const MemoryAmount size = read_memory_amount(value);
  if (size.length == 0) return refused("it must begin with a size, as in 96M");
  const std::string_view rest = value.substr(size.length);
  Read read{size.value, 0, {}};
  if (rest.starts_with('@')) {
    read.offset =
        read_memory_amount(rest.substr(1)).value;  // garbage is 0, and what follows is not looked at
  } else if (!rest.empty()) {
    return refused(fmt::format("it does not understand '{}' behind the size", rest.substr(0, 20)));
  }
  if (read.size == 0) return refused("its size is 0");
  return read;
}

Read read_with_suffix(const Found& option) {
  const MemoryAmount size = read_memory_amount(option.value);
  if (size.length == 0) return refused("it must begin with a size, as in 96M,high");
  if (option.value.substr(size.length) != crashkernel_suffix_text(option.suffix)) {
    return refused(fmt::format("between size and suffix it does not understand '{}'",
                               option.value.substr(size.length, 20)));
  }
  return {size.value, 0, {}};
}

std::string written(const Found& option) {
  return fmt::format("crashkernel={}", option.value.substr(0, 200));
}

class Reader {
 public:
  Reader(std::string_view command_line, ByteCount ram_size, const CrashkernelRules& rules)
      : rules_(rules), ram_size_(ram_size), options_(find_options(command_line, rules)) {}

  KernelReading read() {
    const Found* plain = last_with(options_, CrashkernelSuffix::none);
    if (plain != nullptr) {
      read_plain(*plain);
    } else if (last_with(options_, CrashkernelSuffix::high) != nullptr) {
      read_high();
    } else {
      reading_.refusal =
          options_.empty() ? "there is no crashkernel= option: add crashkernel=96M"
                           : "there is only an option for an additional part: add crashkernel=96M beside it";
    }
    if (reading_.size != 0 && reading_.size >= ram_size_) {
      refuse(reading_.deciding, "its size is not less than the machine's RAM");
    }
    read_cma();
    note_ignored();
    return std::move(reading_);
  }

 private:
  void read_plain(const Found& option) {
    const bool has_ranges = option.value.find(':') != std::string_view::npos;
    const ByteCount ram = rules_.rounds_ram_up ? round_up(ram_size_, kRamRounding) : ram_size_;
    const Read read = has_ranges ? read_ranges(option.value, ram) : read_simple(option.value);
    if (!read.refusal.empty()) {
      const std::string reason =
          option.spoilt_by_cma ? "it does not know ,cma and takes this for the option to use" : read.refusal;
      if (!rules_.common_code && last_with(options_, CrashkernelSuffix::high) != nullptr) {
        reading_.ignored.push_back(fmt::format("{}: {}", written(option), reason));
        read_high();
      } else {
        refuse(written(option), reason);
      }
      return;
    }
    reading_.deciding = written(option);
    reading_.size = read.size;
    reading_.offset = read.offset;
    if (rules_.common_code) {
      // Of no use for a fixed offset; the default for what does not fit below.
      reading_.low_size = read.offset != 0 ? 0 : rules_.default_low_size;
    } else {
      read_low();
    }
  }

  void read_high() {
    const Found& option = *last_with(options_, CrashkernelSuffix::high);
    const Read read = read_with_suffix(option);
    if (!read.refusal.empty() || read.size == 0) {
      refuse(written(option), read.refusal.empty() ? "its size is 0" : read.refusal);
      return;
    }
    reading_.deciding = written(option);
    reading_.size = read.size;
    reading_.high = true;
    read_low();
  }

  void read_low() {
    reading_.low_size = rules_.default_low_size;
    const Found* option = last_with(options_, CrashkernelSuffix::low);
    if (option == nullptr) return;
    low_used_ = true;
    const Read read = read_with_suffix(*option);
    if (read.refusal.empty()) {
      reading_.low_size = read.size;
    } else if (rules_.common_code) {
      refuse(written(*option), read.refusal);
    } else {
      reading_.ignored.push_back(fmt::format("{}: {}; the default is taken", written(*option), read.refusal));
    }
  }

  void read_cma() {
    const Found* option = last_with(options_, CrashkernelSuffix::cma);
    if (option == nullptr || reading_.size == 0) return;
    // The number counts even when what follows it is wrong: the kernel does not look whether it was.
    reading_.cma_size = read_memory_amount(option->value).value;
  }

  void refuse(const std::string& option, std::string_view reason) {
    reading_.size = 0;
    reading_.deciding = option;
    reading_.refusal = fmt::format("the kernel reserves nothing for {}: {}", option, reason);
  }

  void note_ignored() {
    const bool high_decides = reading_.high;
    for (std::size_t i = 0; i < options_.size(); ++i) {
      const Found& option = options_[i];
      std::string reason;
      if (last_with(options_, option.suffix) != &option) {
        reason = "a later one of its kind replaces it";
      } else if (option.suffix == CrashkernelSuffix::high && !high_decides &&
                 reading_.deciding != written(option)) {
        reason = "an option without suffix goes before it";
      } else if (option.suffix == CrashkernelSuffix::low && !low_used_) {
        reason = "without an option ,high it has no effect";
      }
      if (!reason.empty()) reading_.ignored.push_back(fmt::format("{}: {}", written(option), reason));
    }
  }

  const CrashkernelRules& rules_;
  ByteCount ram_size_;
  std::vector<Found> options_;
  KernelReading reading_;
  bool low_used_ = false;
};

}  // namespace

KernelReading read_crashkernel_as_kernel(std::string_view command_line, ByteCount ram_size,
                                         const CrashkernelRules& rules) {
  return Reader(command_line, ram_size, rules).read();
}

}  // namespace warmdump
