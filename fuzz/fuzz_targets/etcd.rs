//! Fuzzes the parser of the format `etcd`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("etcd", data));
