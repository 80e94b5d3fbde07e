// The owner's way to a running coordinator: its socket in the home directory. A Unix socket's path
// may have 107 bytes only, so a longer one is reached through a descriptor of its directory.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "coordinator/protocol/client_transport.h"

namespace gradmint {

// The path of `admin.sock` in a directory, in a form short enough for a socket while this lives.
class AdminSocket {
 public:
  static Result<AdminSocket> in(const std::filesystem::path& run_directory);
  AdminSocket(AdminSocket&& other) noexcept;
  AdminSocket& operator=(AdminSocket&& other) noexcept;
  ~AdminSocket();
  const std::string& path() const { return path_; }

 private:
  AdminSocket(std::string path, int directory) : path_(std::move(path)), directory_(directory) {}
  std::string path_;
  int directory_;  // -1: not needed
};

// Asks the coordinator that runs in `home`. Blocking; one thread.
class AdminLink {
 public:
  // not_found when no coordinator runs there.
  static Result<AdminLink> open(const std::filesystem::path& home);
  // The reply's JSON. refused, with its reason, when the coordinator says no; not_found when nobody
  // answers in time.
  Result<nlohmann::json> ask(const nlohmann::json& request, int timeout_ms);

 private:
  AdminLink(std::filesystem::path home, AdminSocket socket,
            std::unique_ptr<ClientTransport> transport)
      : home_(std::move(home)), socket_(std::move(socket)), transport_(std::move(transport)) {}
  std::filesystem::path home_;
  AdminSocket socket_;
  std::unique_ptr<ClientTransport> transport_;
};

}  // namespace gradmint
