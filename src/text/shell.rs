//! Quoting for a POSIX shell, so that a corrective step can be pasted whatever a file is called.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// One word for a shell. Plain where that is safe, in single quotes otherwise, and in `$'...'`
/// (POSIX.1-2024, bash, zsh, ksh) when it holds control characters or bytes that are not UTF-8.
pub fn quote(word: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(byte);
    if !word.is_empty() && word.iter().all(plain) {
        return String::from_utf8_lossy(word).into_owned();
    }
    match std::str::from_utf8(word) {
        Ok(text) if super::printable(text) == text => format!("'{}'", text.replace('\'', r"'\''")),
        _ => dollar_quote(word),
    }
}

fn dollar_quote(word: &[u8]) -> String {
    let mut out = String::from("$'");
    for &byte in word {
        match byte {
            b'\'' => out.push_str("\\'"),
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(byte as char),
            // Octal, because a hexadecimal escape would swallow a hexadecimal digit behind it.
            // Writing to a String cannot fail.
            _ => {
                let _ = write!(out, "\\{byte:03o}");
            }
        }
    }
    out.push('\'');
    out
}

/// [`quote`] for a path; one that begins with `-` gets `./` so that it is no option.
pub fn quote_path(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    if bytes.first() == Some(&b'-') { format!("./{}", quote(bytes)) } else { quote(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn an_ordinary_path_is_not_quoted() {
        assert_eq!(quote(b"/etc/nginx/nginx.conf"), "/etc/nginx/nginx.conf");
    }

    #[test]
    fn a_shell_gives_back_exactly_the_word_that_was_quoted() {
        let words: [&[u8]; 7] =
            [b"a b", b"it's", b"$(reboot)", b"", b"x\ny\x1b[2J", b"\xff1", b"back\\slash'"];
        for word in words {
            let script = format!("printf %s {}", quote(word));
            let output = Command::new("bash").arg("-c").arg(script).output().unwrap();
            assert_eq!(output.stdout, word);
        }
    }
}
