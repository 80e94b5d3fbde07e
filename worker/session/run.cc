#include "worker/session/run.h"

#include <signal.h>

#include <atomic>
#include <memory>

#include "kernels/base/exit_status.h"
#include "worker/session/training_thread.h"

namespace gradmint::session {
namespace {

std::atomic<bool> end_asked{false};
void on_signal(int) { end_asked = true; }

class SignalGuard {
 public:
  SignalGuard() {
    end_asked = false;
    struct sigaction action {};
    action.sa_handler = on_signal;
    ::sigaction(SIGINT, &action, &old_int_);
    ::sigaction(SIGTERM, &action, &old_term_);
  }
  ~SignalGuard() {
    ::sigaction(SIGINT, &old_int_, nullptr);
    ::sigaction(SIGTERM, &old_term_, nullptr);
  }
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

 private:
  struct sigaction old_int_ {
  }, old_term_{};
};

}  // namespace

int run_session(WorkerHome& home, const RunOptions& options, Console& console) {
  const auto fail = [&](const Error& error) {
    console.fail(error.message);
    return exit_status(error.code);
  };
  auto memory = home.load_memory();
  if (!memory) return fail(memory.error());
  const Connection& connection = home.connection();
  auto session =
      Session::resume({home.key(), home.curve().public_key, home.secret(), connection.chain_id,
                       connection.join_endpoint, connection.code, options.name, options.revision},
                      *std::move(memory));
  if (!session) {
    return fail(
        {session.error().code, "in " + home.directory().string() + ": " + session.error().message});
  }
  const SignalGuard signals;
  SessionSurroundings machine;
  machine.connect = [](const ClientOptions& link) -> Result<std::unique_ptr<ClientEnd>> {
    auto transport = ClientTransport::connect(link);
    if (!transport) return transport.error();
    return std::unique_ptr<ClientEnd>(*std::move(transport));
  };
  machine.training = std::make_unique<TrainingThread>(home.blobs(), *options.encoder,
                                                      options.adversary, options.adversary_seed);
  Training& training = *machine.training;
  SessionLoop loop(home, options.task, console, *std::move(session), std::move(machine));
  loop.start();
  while (!loop.exit_code()) {
    if (end_asked) loop.ask_to_stop();
    loop.turn(loop.wait_ms());
  }
  training.cancel();
  console.clear_bar();
  return *loop.exit_code();
}

}  // namespace gradmint::session
