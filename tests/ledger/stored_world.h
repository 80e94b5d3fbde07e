// A World as a coordinator would have left it on disk, and ways to damage it.
#pragma once

#include <filesystem>

#include "ledger/audit/ledger_source.h"
#include "tests/ledger/world.h"

namespace gradmint::test {

// Database, checkpoint and blobs below `directory`.
void store_world(const World& world, const std::filesystem::path& directory);

// A ledger's directory, its store read in this process.
Result<LedgerSource> source_at(const std::filesystem::path& directory);

// Every key of the database with its value, and a way to set (or, with nothing, delete) one.
std::map<std::string, std::string> database_entries(const std::filesystem::path& directory);
void set_entry(const std::filesystem::path& directory, const std::string& key,
               const std::optional<std::string>& value);

std::string read_text(const std::filesystem::path& file);
void write_text(const std::filesystem::path& file, const std::string& text);

}  // namespace gradmint::test
