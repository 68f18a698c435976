//! Fuzzes the parser of the format `login.defs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("login_defs", data));
