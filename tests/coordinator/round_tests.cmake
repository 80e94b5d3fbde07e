gradmint_test(round_test SOURCES goal_test.cc round_scaler_test.cc round_test.cc round_waiting_test.cc reveal_check_test.cc DEPS gradmint_intake ledger_world LABELS coordinator)
gradmint_test(round_simulation_test SOURCES round_simulation_test.cc DEPS gradmint_intake ledger_world
  LABELS coordinator TIMEOUT 300)
gradmint_test(aggregation_settings_test SOURCES aggregation_settings_test.cc
  DEPS gradmint_coordinator_io LABELS coordinator)
