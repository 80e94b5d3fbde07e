#include "coordinator/protocol/admin_link.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "ledger/durable_file.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"

namespace gradmint {
namespace {

constexpr std::size_t kMaxSocketPathBytes = sizeof(sockaddr_un::sun_path) - 1;

Error nobody(const std::filesystem::path& home) {
  return {ErrorCode::not_found, "no coordinator runs in " + home.string() +
                                    "; start it with gradmint coordinator run --home " +
                                    home.string()};
}

// A coordinator that was killed leaves its socket, and libzmq would knock until time is over.
bool is_deserted(const std::string& path) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, kMaxSocketPathBytes);
  const bool refused =
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno == ECONNREFUSED;
  ::close(socket);
  return refused;
}

}  // namespace

Result<AdminSocket> AdminSocket::in(const std::filesystem::path& run_directory) {
  const auto directory = std::filesystem::absolute(run_directory);
  const std::string path = (directory / "admin.sock").string();
  if (path.size() <= kMaxSocketPathBytes) return AdminSocket(path, -1);
  const int fd = ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return file_error("open", directory, errno);
  return AdminSocket("/proc/self/fd/" + std::to_string(fd) + "/admin.sock", fd);
}

AdminSocket::AdminSocket(AdminSocket&& other) noexcept
    : path_(std::move(other.path_)), directory_(std::exchange(other.directory_, -1)) {}
AdminSocket& AdminSocket::operator=(AdminSocket&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(directory_, other.directory_);
  return *this;
}
AdminSocket::~AdminSocket() {
  if (directory_ >= 0) ::close(directory_);
}

Result<AdminLink> AdminLink::open(const std::filesystem::path& home) {
  std::error_code failed;
  if (!std::filesystem::exists(home / "run" / "admin.sock", failed)) return nobody(home);
  auto socket = AdminSocket::in(home / "run");
  if (!socket) return socket.error();
  if (is_deserted(socket->path())) return nobody(home);
  ClientOptions options;
  options.endpoint = "ipc://" + socket->path();
  auto transport = ClientTransport::connect(options);
  if (!transport) return transport.error();
  return AdminLink(home, *std::move(socket), *std::move(transport));
}

Result<nlohmann::json> AdminLink::ask(const nlohmann::json& request, int timeout_ms) {
  auto answer = transport_->request(AdminRequest{json_text(request)}, timeout_ms);
  if (!answer) return answer.error().code == ErrorCode::refused ? answer.error() : nobody(home_);
  const auto* reply = std::get_if<AdminReply>(&answer->message);
  auto json = parse_untrusted_json(reply != nullptr ? reply->json : "");
  if (!json || !json->is_object()) {
    return Error{ErrorCode::refused,
                 "the coordinator in " + home_.string() + " gave no answer that fits"};
  }
  const auto ok = json->find("ok");
  if (ok == json->end() || *ok != true) {
    return Error{ErrorCode::refused,
                 text_member(*json, "error").value_or("the coordinator refused")};
  }
  return json;
}

}  // namespace gradmint
