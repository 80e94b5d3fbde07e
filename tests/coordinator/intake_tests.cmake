gradmint_test(uploads_test SOURCES uploads_test.cc DEPS gradmint_uploads LABELS coordinator)
