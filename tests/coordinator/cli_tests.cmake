gradmint_test(toml_config_test SOURCES cli_toml_config_test.cc DEPS gradmint_config LABELS coordinator)
gradmint_test(cli_plan_test
  SOURCES cli_dev_plan_test.cc cli_dev_report_test.cc cli_display_test.cc
  DEPS gradmint_cli_core gradmint_config gradmint_worker_core LABELS coordinator)
gradmint_test(cli_processes_test SOURCES cli_processes_test.cc DEPS gradmint_cli_io LABELS coordinator)
gradmint_test(settings_test SOURCES settings_test.cc DEPS gradmint_coordinator_io LABELS coordinator)
gradmint_test(orderer_test SOURCES orderer_test.cc DEPS gradmint_coordinator_io ledger_world LABELS coordinator THREADS)
gradmint_test(cli_program_test SOURCES cli_program_test.cc LABELS coordinator)
add_dependencies(cli_program_test gradmint)
