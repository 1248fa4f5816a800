// The parts of report.html as data for report.mustache: each fills the names that its section of the template
// uses. Pure.

#pragma once

#include <kainjow/mustache.hpp>

#include "recover/report/dump_map.h"
#include "recover/report/dump_summary.h"
#include "recover/report/log_facts.h"
#include "recover/report/printk_log.h"

namespace warmdump {

using PageData = kainjow::mustache::data;

void fill_header(const DumpSummary& summary, const LogFacts& facts, PageData& page);
void fill_scene(const DumpSummary& summary, const LogFacts& facts, PageData& page);
void fill_commands(const DumpSummary& summary, PageData& page);
void fill_memory(const DumpSummary& summary, const DumpMap& map, PageData& page);
void fill_capture(const DumpSummary& summary, PageData& page);
void fill_machine(const DumpSummary& summary, const LogFacts& facts, PageData& page);
void fill_log(const DumpSummary& summary, const PrintkLog& log, const LogFacts& facts, PageData& page);

// A text of the dump, not too long for the page.
PageData page_text(std::string_view text, std::size_t bytes_max = 512);

}  // namespace warmdump
