#include "capture/crash_kernel/configuration.h"

#include <algorithm>
#include <cstring>

#include "capture/support/parse_number.h"

namespace warmdump {
namespace {

constexpr std::string_view kInfoPrefix = "info.";
constexpr std::string_view kHintPrefix = "hint.";
constexpr std::string_view kWordPrefix = "warmdump.";

bool set_number(const char* value, std::uint64_t max, std::uint64_t& target) {
  const auto number = parse_number(value);
  if (!number || *number > max) return false;
  target = *number;
  return true;
}

bool add_module(const char* value, const char** modules, std::size_t& count) {
  if (*value == '\0' || count == CaptureOptions::kModulesMax) return false;
  modules[count++] = value;
  return true;
}

struct Key {
  std::string_view name;
  bool is_vital;
  bool (*set)(const char* value, CaptureOptions& options);  // false, and nothing set: the value is wrong
  const char* wrong;
};

// To add one: a row here, its field in CaptureOptions, a paragraph under CONFIGURATION in
// docs/man/warmdump-capture.8, and, where `warmdump arm` has an option for it, a line in
// initramfs/capture_configuration.cc. Not vital, unless without it the dump could go to the wrong place, or
// to people it is not for.
constexpr Key kKeys[] = {
    {"region_start", true,
     [](const char* value, CaptureOptions& options) {
       return set_number(value, UINT64_MAX, options.region_start);
     },
     "region_start must be an address"},
    {"region_size", true,
     [](const char* value, CaptureOptions& options) {
       return set_number(value, UINT64_MAX, options.region_size);
     },
     "region_size must be a number of bytes"},
    {"dump_level", false,
     [](const char* value, CaptureOptions& options) { return set_dump_level(value, options).has_value(); },
     "not a number from 0 to 31, ignoring"},
    {"threads", false,
     [](const char* value, CaptureOptions& options) { return set_threads(value, options).has_value(); },
     "not a number from 0 to 64, ignoring"},
    {"secret", false,
     [](const char* value, CaptureOptions& options) { return set_secret(value, options).has_value(); },
     "not 64 hexadecimal digits: the dump is not sealed"},
    {"boot_id", false,
     [](const char* value, CaptureOptions& options) {
       options.secret.boot_id = value;
       return true;
     },
     ""},
    {"encryption", true,
     [](const char* value, CaptureOptions& options) { return set_encryption(value, options).has_value(); },
     "encryption must be KEY_ID:KEY:WRAPPED_KEY in hexadecimal digits; no dump is stored in clear instead"},
    {"reset", false,
     [](const char* value, CaptureOptions& options) {
       const auto action = final_action_of(value);
       if (action) options.final_action = *action;
       return action.has_value();
     },
     "not one of warm, cold, efi, acpi, kbd, off, halt; ignoring"},
    {"deadline", false,
     [](const char* value, CaptureOptions& options) {
       return set_number(value, kDeadlineMaxSeconds, options.deadline_s);
     },
     "not a number of seconds up to 1000000, ignoring"},
    {"watchdog", false,
     [](const char* value, CaptureOptions& options) {
       return set_number(value, kWatchdogMaxSeconds, options.watchdog_s);
     },
     "not a number of seconds up to 3600, ignoring"},
    {"module", false,
     [](const char* value, CaptureOptions& options) {
       return add_module(value, options.modules, options.module_count);
     },
     "no path, or too many modules; ignoring"},
    {"pmem_module", false,
     [](const char* value, CaptureOptions& options) {
       return add_module(value, options.pmem_modules, options.pmem_module_count);
     },
     "no path, or too many modules; ignoring"},
};

bool is_blank(char character) {
  return character == ' ' || character == '\t' || character == '\n' || character == '\r';
}

// Takes the quotes off: those around the whole word, or around its value.
char* unquote(char* word) {
  const std::size_t length = std::strlen(word);
  const bool has_end_quote = length > 1 && word[length - 1] == '"';
  if (*word == '"') {
    if (has_end_quote) word[length - 1] = '\0';
    return word + 1;
  }
  char* value = std::strchr(word, '=');
  if (value != nullptr && value[1] == '"') {
    if (has_end_quote && word + length - 1 > value + 1) word[length - 1] = '\0';
    std::memmove(value + 1, value + 2, std::strlen(value + 2) + 1);
  }
  return word;
}

}  // namespace

void ConfigurationReader::read_lines(char* text, std::size_t size) {
  char* const end = text + size;
  std::uint64_t number = 0;
  for (char* line = text; line < end;) {
    char* const line_end = std::find(line, end, '\n');
    *line_end = '\0';
    ++number;
    if (*line != '\0' && *line != '#') take(line, number);
    line = line_end + 1;
  }
}

void ConfigurationReader::read_words(char* text, std::size_t size) {
  char* const end = text + size;
  *end = '\0';
  for (char* position = text; position < end;) {
    if (is_blank(*position)) {
      ++position;
      continue;
    }
    char* word = position;
    for (bool quoted = false; position < end && (quoted || !is_blank(*position)); ++position) {
      if (*position == '"') quoted = !quoted;
    }
    *position++ = '\0';
    if (std::strcmp(word, "--") == 0) return;
    word = unquote(word);
    if (std::strncmp(word, kWordPrefix.data(), kWordPrefix.size()) == 0) take(word + kWordPrefix.size(), 0);
  }
}

void ConfigurationReader::take(char* setting, std::uint64_t line) {
  char* const equals = std::strchr(setting, '=');
  if (equals == nullptr) {
    note(setting, Error::make(ErrorCode::invalid, "no '=' behind it, ignoring"), line);
    return;
  }
  *equals = '\0';
  if (std::strncmp(setting, kInfoPrefix.data(), kInfoPrefix.size()) == 0) {
    *equals = '=';
    take_info(setting + kInfoPrefix.size(), "info", line);
    return;
  }
  if (std::strncmp(setting, kHintPrefix.data(), kHintPrefix.size()) == 0) {
    if (auto done = set_hint_value(setting + kHintPrefix.size(), equals + 1, options_); !done.has_value())
      note(setting, done.error(), line);
    return;
  }
  const auto* const key =
      std::find_if(std::begin(kKeys), std::end(kKeys), [&](const Key& row) { return row.name == setting; });
  if (key == std::end(kKeys)) {
    note(setting, Error::make(ErrorCode::invalid, "unknown setting, ignoring"), line);
  } else if (!key->set(equals + 1, options_)) {
    const Error error = Error::make(ErrorCode::invalid, key->wrong);
    if (key->is_vital) {
      vital_error_ = line == 0 ? error : error.at(WhereKind::line, line);
    } else {
      note(setting, error, line);
    }
  }
}

void ConfigurationReader::take_info(const char* info, const char* key, std::uint64_t line) {
  const std::size_t length = std::strlen(info);
  if (length + 1 > info_buffer_.size() - info_size_) {
    note(key, Error::make(ErrorCode::no_space, "no room for this line, ignoring"), line);
    return;
  }
  std::memcpy(info_buffer_.data() + info_size_, info, length);
  info_size_ += length;
  info_buffer_[info_size_++] = '\n';
  options_.info = {info_buffer_.data(), info_size_};
}

void ConfigurationReader::note(const char* key, const Error& error, std::uint64_t line) {
  if (problem_count_ < kProblemsKept) {
    problems_[problem_count_] = {key, line == 0 ? error : error.at(WhereKind::line, line)};
  }
  ++problem_count_;
}

std::span<const ConfigurationProblem> ConfigurationReader::problems() const {
  return std::span(problems_).first(std::min(problem_count_, kProblemsKept));
}

Result<void> ConfigurationReader::check_values() const {
  if (vital_error_.code != ErrorCode::none) return vital_error_;
  if (options_.encryption.is_set && !options_.secret.is_set) {
    return Error::make(ErrorCode::invalid, "encryption is set, but no secret: nobody could trust the dump");
  }
  return {};
}

Result<void> ConfigurationReader::check() const {
  TRY(check_values());
  if (options_.region_size == 0) {
    return Error::make(ErrorCode::not_found,
                       "region_start and region_size are not set: nothing says where the dump may go");
  }
  return {};
}

}  // namespace warmdump
