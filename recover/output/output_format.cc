#include "recover/output/output_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "recover/output/elf_output.h"
#include "recover/output/flattened_target.h"
#include "recover/output/kdump_output.h"
#include "recover/output/output_file.h"
#include "recover/output/page_compression.h"
#include "recover/output/page_list_output.h"

namespace warmdump {
namespace {

using Write = decltype(OutputFormat::write);

Outcome<void> check_page_compression(const OutputOptions& options) {
  TRY(choose_page_compression(options.compression, options.compression_level));
  return {};
}

Outcome<void> check_no_compression(const OutputOptions& options) {
  if ((options.compression.empty() || options.compression == "none") && options.compression_level == 0)
    return {};
  return Failure(ErrorCode::invalid, "only kdump files have a compression");
}

template <Write write_into>
Outcome<OutputReport> write_flattened(const DumpReader& dump, OutputTarget& target,
                                      const OutputOptions& options, const ProgressFunction& progress) {
  FlattenedTarget flattened(target);
  OutputReport report = TRY(write_into(dump, flattened, options, progress));
  report.file_size = TRY(flattened.finish());
  return report;
}

constexpr std::array kFormats = {
    OutputFormat{.name = "kdump",
                 .description = "kdump-compressed, as makedumpfile writes it",
                 .holds_pages = true,
                 .is_stream = false,
                 .check = check_page_compression,
                 .write = write_kdump},
    OutputFormat{.name = "elf",
                 .description = "ELF core file, one segment for each run of pages in the dump",
                 .holds_pages = true,
                 .is_stream = false,
                 .check = check_no_compression,
                 .write = write_elf},
    OutputFormat{.name = "flattened",
                 .description = "kdump-compressed as a stream, as `makedumpfile -F` writes it",
                 .holds_pages = true,
                 .is_stream = true,
                 .check = check_page_compression,
                 .write = write_flattened<write_kdump>},
    OutputFormat{.name = "flattened-elf",
                 .description = "ELF core file as a stream",
                 .holds_pages = true,
                 .is_stream = true,
                 .check = check_no_compression,
                 .write = write_flattened<write_elf>},
    OutputFormat{.name = "list",
                 .description = "what became of every page, without the pages: JSON lines",
                 .holds_pages = false,
                 .is_stream = true,
                 .check = check_no_compression,
                 .write = write_page_list},
};

std::string format_names() {
  std::string names;
  for (const OutputFormat& format : kFormats)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", format.name);
  return names;
}

}  // namespace

std::span<const OutputFormat> output_formats() {
  return kFormats;
}

const OutputFormat* find_output_format(std::string_view name) {
  const auto found = std::find_if(kFormats.begin(), kFormats.end(),
                                  [name](const OutputFormat& format) { return format.name == name; });
  return found == kFormats.end() ? nullptr : &*found;
}

Outcome<const OutputFormat*> choose_output_format(std::string_view name, const OutputOptions& options) {
  const OutputFormat* const format = name.empty() ? &kFormats.front() : find_output_format(name);
  if (format == nullptr) {
    return Failure(ErrorCode::invalid,
                   fmt::format("there is no format \"{}\" for dumps; there are {}", name, format_names()));
  }
  TRY(format->check(options));
  return format;
}

Outcome<OutputReport> write_output_file(const OutputFormat& format, const DumpReader& dump,
                                        const std::filesystem::path& path, const OutputOptions& options,
                                        const ProgressFunction& progress) {
  TRY(format.check(options));
  OutputFile file = TRY(OutputFile::create(path));
  const OutputReport report = TRY(format.write(dump, file, options, progress));
  TRY(file.commit());
  return report;
}

}  // namespace warmdump
