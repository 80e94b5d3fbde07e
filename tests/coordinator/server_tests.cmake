gradmint_test(orderer_queue_test SOURCES orderer_queue_test.cc DEPS gradmint_coordinator_io ledger_world
  LABELS coordinator THREADS)
gradmint_test(evaluator_test SOURCES evaluator_test.cc DEPS gradmint_coordinator_io
  LABELS coordinator TIMEOUT 120 THREADS)
gradmint_test(late_order_test SOURCES late_order_test.cc DEPS gradmint_coordinator_io ledger_world LABELS coordinator THREADS)
gradmint_test(sign_guard_test SOURCES history_desk_test.cc sign_guard_test.cc sign_guard_crash_test.cc signer_test.cc
  DEPS gradmint_coordinator_io ledger_world LABELS coordinator TIMEOUT 300 THREADS)
gradmint_test(home_files_test SOURCES backup_home_test.cc best_model_test.cc evaluation_memory_test.cc
  DEPS gradmint_coordinator_io gradmint_model ledger_world LABELS coordinator TIMEOUT 120 THREADS)
