//! Fuzzes the reader of the tables of cron.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("cron", data));
