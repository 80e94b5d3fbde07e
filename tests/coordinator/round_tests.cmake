gradmint_test(round_test SOURCES goal_test.cc round_scaler_test.cc round_test.cc round_waiting_test.cc reveal_check_test.cc DEPS gradmint_intake ledger_world LABELS coordinator)
gradmint_test(round_simulation_test SOURCES round_simulation_test.cc DEPS gradmint_intake ledger_world
  LABELS coordinator TIMEOUT 300)
gradmint_test(aggregation_settings_test SOURCES aggregation_settings_test.cc
  DEPS gradmint_coordinator_io LABELS coordinator)
# What the chain, the coordinator and the audit each say of the same rounds.
gradmint_test(round_agreement_test SOURCES entry_agreement_test.cc timing_agreement_test.cc
  DEPS gradmint_intake gradmint_audit ledger_world LABELS coordinator TIMEOUT 300)
