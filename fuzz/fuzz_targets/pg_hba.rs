//! Fuzzes the parser of the format `pg_hba`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("pg_hba", data));
