// The committed reference is what the descriptors say, everything in it is explained, and its examples work.
#include "controller/reference/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "base/settings.h"
#include "controller/fact_metrics.h"
#include "controller/own_families.h"
#include "controller/reference/key_table.h"
#include "definitions/definitions.h"
#include "proto/definition.pb.h"
#include "proto/fleet.pb.h"
#include "proto/settings.pb.h"
#include "tests/unit/definitions/folder.h"

namespace parallax {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;

std::string content_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(Reference, TheCommittedFilesAreWhatTheDescriptorsSay) {
  for (const ReferencePage& page : reference_pages()) {
    const std::string file = std::string(SOURCE_DIR "/docs/") + std::string(page.file);
    EXPECT_TRUE(content_of(file) == page.write())
        << "docs/" << page.file << " is not what proto/ says now; write it anew:\n"
        << "  cmake --build --preset dev --target parallax-controller && "
           "build/dev/parallax-controller reference --write docs";
  }
}

// Calls `see` for every table that people write, once.
template <class See>
void each_table(const Descriptor& type, std::set<const Descriptor*>& seen, const See& see) {
  if (!seen.insert(&type).second) return;
  see(type);
  for (const SchemaKey& key : keys_of(type))
    if (const Descriptor* inner = table_of(key)) each_table(*inner, seen, see);
}

template <class See>
void each_table(const See& see) {
  std::set<const Descriptor*> seen;
  for (const Descriptor* file :
       {proto::LocationsFile::descriptor(), proto::Service::descriptor(), proto::Check::descriptor(),
        proto::ProbeSettings::descriptor(), proto::ControllerSettings::descriptor()})
    each_table(*file, seen, see);
  const auto& types = *proto::Check::descriptor()->FindOneofByName("type");
  for (int i = 0; i < types.field_count(); ++i) each_table(*types.field(i)->message_type(), seen, see);
}

TEST(Reference, EveryKeyAndEveryTableHasItsSentence) {
  each_table([](const Descriptor& type) {
    // What [[location]] is stands with the file around it.
    const bool needs_about = &type != proto::Location::descriptor();
    EXPECT_TRUE(!needs_about || !about(type).empty()) << "message " << type.name() << " has no option (about)";
    for (const SchemaKey& key : keys_of(type))
      EXPECT_NE(key.rules->doc(), "") << type.name() << "." << key.field->name() << " of proto/ has no (key).doc";
  });
}

TEST(Reference, EveryMetricHasItsHelp) {
  const auto& types = *proto::Check::descriptor()->FindOneofByName("type");
  for (int i = 0; i < types.field_count(); ++i) {
    const TypeMetrics& type = metrics_of_type(types.field(i)->name());
    for (const FactMetrics* facts : {&type.shared, &type.own}) {
      for (const FactMetric& metric : facts->all) EXPECT_NE(metric.metric->help(), "") << metric.metric->name();
      for (const ListMetrics& list : facts->lists)
        for (const FactMetric& metric : list.of_element)
          EXPECT_NE(metric.metric->help(), "") << metric.metric->name();
    }
  }
  for (const OwnFamily& family : kOwnFamilies) {
    EXPECT_NE(family.help, "") << family.name;
    EXPECT_NE(family.absent, "") << family.name;
  }
}

TEST(Reference, EveryWordOfAResultHasItsMeaning) {
  for (const EnumDescriptor* type :
       {proto::State_descriptor(), proto::Reason_descriptor(), proto::Phase_descriptor(),
        proto::Gap::Cause_descriptor(), proto::Reject::Cause_descriptor()})
    for (int i = 0; i < type->value_count(); ++i) {
      if (type->value(i)->number() == 0) continue;
      const proto::Meaning& meaning = type->value(i)->options().GetExtension(proto::meaning);
      EXPECT_NE(meaning.doc(), "") << type->value(i)->name() << " of proto/ has no option (meaning)";
      EXPECT_EQ(meaning.state().empty(), type != proto::Reason_descriptor()) << type->value(i)->name();
    }
}

std::string problems_in(const Loaded& loaded) {
  std::string text;
  for (const Problem& problem : loaded.problems) text += to_text(problem) + "\n";
  return text;
}

TEST(Reference, TheExampleOfEveryCheckTypeIsValidWithoutAWarning) {
  std::vector<const Descriptor*> shown = {proto::Service::descriptor()};
  const auto& types = *proto::Check::descriptor()->FindOneofByName("type");
  for (int i = 0; i < types.field_count(); ++i) shown.push_back(types.field(i)->message_type());
  for (const Descriptor* type : shown) {
    ASSERT_NE(example(*type), "") << "message " << type->name() << " of proto/ has no option (example)";
    const Folder folder;
    folder.write("locations.toml", example(*proto::LocationsFile::descriptor()));
    folder.write("shop-api.toml", example(*type));
    EXPECT_EQ(problems_in(load_definitions(folder.path())), "") << type->name();
  }
}

TEST(Reference, TheExamplesOfTheSettingsAreValid) {
  const Folder folder;
  folder.write("probe.toml", example(*proto::ProbeSettings::descriptor()));
  folder.write("controller.toml", example(*proto::ControllerSettings::descriptor()));
  Problems problems;
  proto::ProbeSettings probe;
  EXPECT_TRUE(read_settings(folder.path() / "probe.toml", probe, problems));
  proto::ControllerSettings controller;
  EXPECT_TRUE(read_settings(folder.path() / "controller.toml", controller, problems));
  EXPECT_THAT(problems, testing::IsEmpty());
}

TEST(Reference, WritesEveryPageAndKnowsNoOther) {
  const Folder folder;
  std::FILE* out = std::tmpfile();
  EXPECT_EQ(print_reference("", folder.path().string(), out, out), 0);
  for (const ReferencePage& page : reference_pages())
    EXPECT_EQ(content_of((folder.path() / page.file).string()), page.write());
  EXPECT_EQ(print_reference("", "/nowhere/at/all", out, out), 1);
  EXPECT_EQ(print_reference("chekcs", "", out, out), 2);
  std::fclose(out);
}

}  // namespace
}  // namespace parallax
