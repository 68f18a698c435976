//! Fuzzes the parser of the ACL extended attribute.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("acl", data));
