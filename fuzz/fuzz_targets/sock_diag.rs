//! Fuzzes the parser of netlink answers about sockets.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spotcheck_fuzz::run("sock_diag", data));
