gradmint_test(orderer_queue_test SOURCES orderer_queue_test.cc DEPS gradmint_coordinator_io ledger_world
  LABELS coordinator THREADS)
gradmint_test(evaluator_test SOURCES evaluator_test.cc DEPS gradmint_coordinator_io
  LABELS coordinator TIMEOUT 120 THREADS)
gradmint_test(sign_guard_test SOURCES history_desk_test.cc sign_guard_test.cc sign_guard_crash_test.cc
  DEPS gradmint_coordinator_io ledger_world LABELS coordinator TIMEOUT 300 THREADS)
