//! Fuzzes the reader of ld.so.conf.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("ld_so_conf", data));
