//! Fuzzes the parser of the format `grafana`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("grafana", data));
