//! Fuzzes the parser of the format `toml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("toml", data));
