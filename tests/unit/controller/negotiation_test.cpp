#include <gtest/gtest.h>

#include "controller/exposition.h"

namespace parallax {
namespace {

TEST(Negotiation, GivesWhatTheHeaderWantsMost) {
  constexpr auto kText = ExpositionFormat::text;
  constexpr auto kOpen = ExpositionFormat::open_metrics;
  const std::pair<const char*, ExpositionFormat> cases[] = {
      {"", kText},
      {"*/*", kText},
      {"text/plain", kText},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", kText},  // a browser
      {"application/json", kText},                                                 // neither: the fallback
      {"application/openmetrics-text", kOpen},
      {"application/openmetrics-text; version=1.0.0", kOpen},
      {"Application/OpenMetrics-Text;Version=\"1.0.0\"", kOpen},
      {"application/openmetrics-text; version=0.0.1", kText},  // we do not have that one
      {"application/openmetrics-text; version=0.0.1, text/plain;version=0.0.4;q=0.5, */*;q=0.1", kText},
      // Prometheus 2.42
      {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
       "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       kOpen},
      // Prometheus 3
      {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
       "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
       "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
       kOpen},
      {"application/openmetrics-text;q=0.3, text/plain;q=0.7", kText},
      {"application/openmetrics-text;q=0.7, text/plain;q=0.3", kOpen},
      {"application/openmetrics-text;q=0, */*", kText},
      {"application/openmetrics-text;q=0", kText},
      {"text/plain;q=0, application/*", kOpen},
      {"application/openmetrics-text, */*", kOpen},  // named beats covered
      {"text/plain, application/openmetrics-text", kText},
      {"application/openmetrics-text, text/plain", kOpen},
      {"application/openmetrics-text;q=nonsense, text/plain;q=0.1", kText},
      {",;,=;q=,,", kText},
  };
  for (const auto& [accept, format] : cases) EXPECT_EQ(negotiate(accept), format) << accept;
}

TEST(Negotiation, NamesTheFormatsExactly) {
  EXPECT_EQ(content_type(ExpositionFormat::text), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(content_type(ExpositionFormat::open_metrics),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

}  // namespace
}  // namespace parallax
