//! Fuzzes the parser of the format `php-fpm`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("php-fpm", data));
