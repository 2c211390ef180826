// `parallax-controller reference`: the reference of keys, metrics and settings, made from the descriptors that the
// programs themselves go by, so that neither can drift. docs/ holds what it prints; a test compares the two.
#pragma once

#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace parallax {

struct ReferencePage {
  std::string_view name;  // as it is asked for: "checks"
  std::string_view file;  // what it is called in docs/
  std::string (*write)();
};

std::span<const ReferencePage> reference_pages();

// Prints the page of that name; or, where `directory` is not empty, writes every page there. Exit status: 0, 1 a
// file that cannot be written, 2 no such page.
int print_reference(const std::string& name, const std::string& directory, std::FILE* out, std::FILE* err);

// The pages.
std::string checks_page();
std::string metrics_page();
std::string settings_page();
std::string checks_schema();
std::string locations_schema();

}  // namespace parallax
