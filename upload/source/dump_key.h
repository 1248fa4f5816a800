// The names of a dump's objects at a destination, made from its content: the same dump gets the same names,
// from whatever run; another one never gets them.
//
//   <device>/<name>-<id>/<file>               one object a file
//   <device>/<name>-<id>/manifest-report.json after everything but the pages of memory has arrived
//   <device>/<name>-<id>/manifest.json        after the rest has arrived: the dump is complete

#pragma once

#include <string>
#include <string_view>

#include "upload/source/dump_directory.h"

namespace warmdump {

inline constexpr std::string_view kReportManifestName = "manifest-report.json";
inline constexpr std::string_view kManifestName = "manifest.json";

// 16 lower-case hexadecimal digits: the beginning of the SHA-256 over name, size and SHA-256 of every file,
// whatever their order. The files are hashed already.
std::string dump_id(const DumpDirectory& dump);

// A name as one segment of a key: what does not belong there, which is everything but [A-Za-z0-9._=-],
// becomes '-'; a leading '.' too.
std::string key_segment(std::string_view text);

// An empty `device` is left out.
std::string dump_key(std::string_view device, std::string_view dump_name, std::string_view id);

// Text of a manifest, JSON: schema 1, dump, id, device, stage ("report" or "whole"), and of every file that
// is there name, size and sha256.
std::string manifest_text(const DumpDirectory& dump, std::string_view id, std::string_view device,
                          bool is_whole);

}  // namespace warmdump
