#include "coordinator/cli/sibling.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace gradmint {
namespace {

std::vector<std::filesystem::path> search_folders() {
  std::vector<std::filesystem::path> folders;
  const char* search = std::getenv("PATH");
  std::istringstream listed(search == nullptr ? "" : search);
  for (std::string folder; std::getline(listed, folder, ':');)
    if (!folder.empty()) folders.emplace_back(folder);
  return folders;
}

bool is_program(const std::filesystem::path& file) {
  std::error_code failed;
  return std::filesystem::is_regular_file(file, failed) && ::access(file.c_str(), X_OK) == 0;
}

}  // namespace

std::filesystem::path own_executable() {
  std::error_code failed;
  return std::filesystem::read_symlink("/proc/self/exe", failed);
}

std::string own_command() {
  const std::filesystem::path own = own_executable();
  std::error_code failed;
  for (const std::filesystem::path& folder : search_folders()) {
    const std::filesystem::path found = folder / own.filename();
    if (!is_program(found)) continue;
    return std::filesystem::equivalent(found, own, failed) ? own.filename().string() : own.string();
  }
  return own.string();
}

Result<std::filesystem::path> find_sibling(const std::string& name) {
  const std::filesystem::path beside = own_executable().parent_path() / name;
  if (is_program(beside)) return beside;
  for (const std::filesystem::path& folder : search_folders())
    if (is_program(folder / name)) return folder / name;
  return Error{ErrorCode::not_found,
               name + " is not installed (looked beside " + own_executable().string() +
                   " and in PATH): install the package " + name + ", or build it"};
}

Error become_sibling(const std::string& command, const std::vector<std::string>& arguments) {
  const std::string name = "gradmint-" + command;
  const auto program = find_sibling(name);
  if (!program) return program.error();
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), program->string());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv(program->c_str(), pointers.data());
  return {ErrorCode::io, program->string() + " could not be started: " + std::strerror(errno)};
}

}  // namespace gradmint
