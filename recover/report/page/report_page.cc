#include "recover/report/page/report_page.h"

#include "common/hosted/sha256.h"
#include "recover/report/page/html_text.h"
#include "recover/report/page/page_data.h"
#include "recover/report/page/page_files.h"

namespace warmdump {
namespace {

// How a Content-Security-Policy names a text that may be used. Empty, which allows nothing, without a hash.
std::string policy_source(std::string_view text) {
  const auto hash = sha256_base64(text);
  return hash ? "sha256-" + *hash : "";
}

}  // namespace

std::string report_html(const DumpSummary& summary, const DumpMap& map, const PrintkLog& log) {
  const LogFacts facts = read_log_facts(log);
  PageData page;
  page["style"] = std::string(kPageStyle);
  page["script"] = std::string(kPageScript);
  page["style_hash"] = policy_source(kPageStyle);
  page["script_hash"] = policy_source(kPageScript);
  page["version"] = WARMDUMP_VERSION;
  fill_header(summary, facts, page);
  fill_scene(summary, facts, page);
  fill_commands(summary, page);
  fill_memory(summary, map, page);
  fill_capture(summary, page);
  fill_machine(summary, facts, page);
  fill_log(summary, log, facts, page);

  kainjow::mustache::mustache page_template{std::string(kPageTemplate)};
  page_template.set_custom_escape([](const std::string& text) { return html_text(text); });
  return page_template.render(page);
}

}  // namespace warmdump
