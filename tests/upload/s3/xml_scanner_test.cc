#include "upload/destination/s3/xml_scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// "path=text" of each element, or the failure alone.
std::vector<std::string> elements_of(std::string_view xml) {
  std::vector<std::string> elements;
  const auto scanned =
      for_each_element(xml, [&](std::string_view path, std::string_view text) -> Outcome<void> {
        elements.push_back(std::string(path) + "=" + std::string(text));
        return {};
      });
  if (!scanned.has_value()) return {scanned.error().message};
  return elements;
}

TEST(XmlScanner, gives_each_element_with_its_path_and_text) {
  EXPECT_THAT(elements_of("<?xml version=\"1.0\"?>\n<A xmlns='x>y'> <B>1</B>\n<B/><n:C> 2 </n:C></A>\n"),
              ElementsAre("A/B=1", "A/B=", "A/C=2", "A="));
}

TEST(XmlScanner, replaces_references) {
  EXPECT_THAT(elements_of("<E>&quot;a&amp;&lt;&gt;&apos;&#39;&#x41;&#233;&#x20ac;&#x1f4a5;</E>"),
              ElementsAre("E=\"a&<>''Aé€💥"));
}

TEST(XmlScanner, skips_comments_and_takes_cdata_as_it_is) {
  EXPECT_THAT(elements_of("<!-- <B> --><A>x<!-- y --><![CDATA[<&amp;>]]>z</A><!-- end -->"),
              ElementsAre("A=x<&amp;>z"));
}

TEST(XmlScanner, white_space_may_come_before_the_root_for_long) {
  EXPECT_THAT(elements_of(std::string(100'000, ' ') + "\r\n<A/>"), ElementsAre("A="));
}

TEST(XmlScanner, refuses_what_is_not_the_small_xml_of_these_services) {
  for (const std::string_view bad : {"",
                                     "   ",
                                     "text",
                                     "<A>",
                                     "<A></B>",
                                     "</A>",
                                     "<A/><B/>",
                                     "<A/>text",
                                     "<A",
                                     "<A b='>",
                                     "<A><B></A></B>",
                                     "<!DOCTYPE x [<!ENTITY a \"b\">]><A>&a;</A>",
                                     "<A>&nbsp;</A>",
                                     "<A>&amp</A>",
                                     "<A>&#0;</A>",
                                     "<A>&#xd800;</A>",
                                     "<A>&#x110000;</A>",
                                     "<A>&#99999999999;</A>",
                                     "<A>&#-1;</A>",
                                     "<A>&;</A>",
                                     "<A><!ELEMENT x></A>",
                                     "<>x</>",
                                     "<A <B>></A>",
                                     "<A>&lt</A>",
                                     "<?xml",
                                     "<!-- ",
                                     "<A><![CDATA[x</A>"}) {
    const auto elements = elements_of(bad);
    ASSERT_EQ(elements.size(), 1u) << bad;
    EXPECT_THAT(elements[0], HasSubstr("not the XML expected")) << bad;
  }
}

TEST(XmlScanner, bounds_depth_and_names) {
  std::string deep;
  for (std::size_t i = 0; i <= XmlScanner::kDepthMax; ++i) deep += "<a>";
  EXPECT_THAT(elements_of(deep), ElementsAre(HasSubstr("nested too deeply")));
  EXPECT_THAT(elements_of("<" + std::string(65, 'a') + "/>"),
              ElementsAre(HasSubstr("without a proper name")));
}

TEST(XmlScanner, escaped_text_comes_back) {
  const std::string text = "a<b>&\"'c";
  EXPECT_THAT(elements_of("<A>" + xml_escaped(text) + "</A>"), ElementsAre("A=" + text));
}

}  // namespace
}  // namespace warmdump
