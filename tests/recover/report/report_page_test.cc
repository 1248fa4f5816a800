#include "recover/report/page/report_page.h"

#include <gmock/gmock.h>

#include "recover/report/debugger_commands.h"
#include "recover/report/log_facts.h"
#include "recover/report/page/html_text.h"
#include "tests/recover/report/sample_pages.h"

namespace warmdump {
namespace {

using testing::AllOf;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

TEST(HtmlText, markup_is_escaped_once) {
  EXPECT_EQ(html_text("</script><b a='x' b=\"y\">&amp;"),
            "&lt;/script&gt;&lt;b a=&#39;x&#39; b=&quot;y&quot;&gt;&amp;amp;");
}

TEST(HtmlText, what_cannot_be_seen_is_spelled_out) {
  EXPECT_EQ(html_text(std::string("a\x1b[2J\0\r\n\tb", 10)), "a\\x1b[2J\\x00\\x0d\n\tb");
  EXPECT_EQ(html_text("\u202e\u2066\u200b\ufeff\u0085"), "\\u{202e}\\u{2066}\\u{200b}\\u{feff}\\u{85}");
}

TEST(HtmlText, only_utf8_comes_through) {
  EXPECT_EQ(html_text("gr\u00fc\u00df \u65e5\u672c \U0001f525"), "gr\u00fc\u00df \u65e5\u672c \U0001f525");
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(html_text("\xff"), bad);
  EXPECT_EQ(html_text("\xc3"), bad);
  EXPECT_EQ(html_text("\xc0\xbc"), bad + bad);            // '<' in two bytes
  EXPECT_EQ(html_text("\xed\xa0\x80"), bad + bad + bad);  // a surrogate
  EXPECT_EQ(html_text("\xf4\x90\x80\x80x"), bad + bad + bad + bad + "x");
}

TEST(HtmlText, a_cut_never_splits_a_character) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("a\u00fcb", 2), "a\u2026");
}

TEST(DebuggerCommands, a_release_that_is_no_word_never_reaches_a_shell) {
  for (const char* release : {"$(reboot)", "6.1; rm -rf /", "-x", "a b", "\n", ""}) {
    EXPECT_THAT(
        debugger_commands("vmcore", release, "`id`", "debian"),
        Each(Field(&DebuggerCommand::command, AllOf(Not(HasSubstr("reboot")), Not(HasSubstr("rm -rf")),
                                                    Not(HasSubstr("`")), Not(HasSubstr("apt"))))))
        << release;
  }
  EXPECT_EQ(debugger_commands("vmcore", "6.1.0-13-amd64", "", "debian").front().command,
            "apt install linux-image-6.1.0-13-amd64-dbg");
}

TEST(LogFacts, an_oops_tells_more_than_the_panic_that_follows) {
  const LogFacts facts = read_log_facts(test::oops_log());
  EXPECT_EQ(facts.instruction, "RIP: 0010:sysrq_handle_crash+0x16/0x20");
  EXPECT_EQ(facts.process, "CPU: 1 PID: 812 Comm: sh");
  EXPECT_EQ(facts.tainted, "Tainted: G           OE");
  EXPECT_EQ(facts.hardware, "ACME Model 7/Board, BIOS 1.2 01/02/2024");
  EXPECT_EQ(facts.command_line, "root=/dev/sda1 crashkernel=96M");
  EXPECT_EQ(facts.modules, "ext4(E) evil(OE)");
  EXPECT_EQ(facts.registers.size(), 2);
  ASSERT_EQ(facts.trace.size(), 4);
  EXPECT_FALSE(facts.trace[0].is_frame);
  EXPECT_EQ(facts.trace[1].text, "__handle_sysrq.cold+0x44/0x11c");
  EXPECT_FALSE(facts.trace[2].certain);
  EXPECT_EQ(facts.up_ns, 4'200'600'000'000);
}

TEST(LogFacts, of_an_empty_log_are_empty) {
  const LogFacts facts = read_log_facts({});
  EXPECT_FALSE(facts.panic_record);
  EXPECT_TRUE(facts.trace.empty());
  EXPECT_EQ(facts.up_ns, 0);
}

TEST(ReportPage, an_incomplete_dump_says_so_before_anything_else) {
  const std::string html = test::incomplete_page();
  const std::size_t body = html.find("<body>");
  const std::size_t alarm = html.find("This dump is incomplete.", body);
  ASSERT_NE(alarm, std::string::npos);
  EXPECT_LT(alarm, html.find("<h1>"));
  EXPECT_THAT(html, Not(HasSubstr("<b>Complete.</b>")));
}

TEST(ReportPage, it_forbids_itself_everything_but_its_own_parts) {
  const std::string html = test::complete_page();
  EXPECT_THAT(html, HasSubstr("content=\"default-src 'none'; style-src 'sha256-"));
  EXPECT_THAT(html, Not(HasSubstr("unsafe")));
  EXPECT_THAT(html, Not(HasSubstr(" style=\"")));
  EXPECT_THAT(html, Not(HasSubstr("src=")));
}

TEST(ReportPage, hostile_text_stays_text) {
  const std::string html = test::hostile_page();
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, Not(HasSubstr("\u202e")));
  EXPECT_THAT(html, Not(HasSubstr("alert(1)</script>")));
  EXPECT_THAT(html, HasSubstr("&lt;/script&gt;"));
  EXPECT_THAT(html, HasSubstr("&amp;lt;"));  // stands so in the text itself
  EXPECT_THAT(html, Not(HasSubstr("&amp;amp;")));
  EXPECT_THAT(html, HasSubstr("{{title}}"));  // what is text is no template
}

TEST(ReportPage, the_worst_dump_makes_less_than_a_mebibyte) {
  EXPECT_LT(test::largest_page().size(), kReportSizeMax);
}

TEST(ReportPage, a_dump_of_nothing_still_makes_a_page) {
  EXPECT_THAT(report_html({}, {}, {}), HasSubstr("</html>"));
}

}  // namespace
}  // namespace warmdump
