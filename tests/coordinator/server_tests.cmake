gradmint_test(orderer_queue_test SOURCES orderer_queue_test.cc DEPS gradmint_coordinator_io ledger_world
  LABELS coordinator)
