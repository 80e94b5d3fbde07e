# The worker's session: tables of events and effects, and a seeded simulation, both without sockets.
gradmint_test(worker_session_test
  SOURCES session_coordinator.cc session_federation.cc session_fork_test.cc session_header_test.cc
          session_parts_test.cc session_scaler_test.cc session_simulation_test.cc session_table_test.cc
  DEPS gradmint_worker_session gradmint_worker_core ledger_world LABELS pure TIMEOUT 300)
gradmint_test(worker_session_io_test
  SOURCES session_console_test.cc session_home_test.cc session_submission_test.cc
  DEPS gradmint_worker_session_io)
