//! Who reads what has changed, and telling them: see [`crate::actions::tell`].

use super::console::Console;
use crate::actions::{Ledger, News};
use crate::report::Report;
use std::io::{ErrorKind, IsTerminal};

/// Who is told when nobody says: what cron mails.
pub const MAIL: &str = "mail";

/// Longest name of a reader, in bytes.
const LONGEST: usize = 100;

/// Reads the name of a reader.
///
/// # Errors
/// In words, when it is none.
pub fn parse(text: &str) -> Result<String, String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || ".-_@:".contains(c);
    if text.is_empty() || text.len() > LONGEST || !text.chars().all(is_word) {
        return Err(format!(
            "a reader is called by letters, digits and .-_@: (at most {LONGEST} bytes)"
        ));
    }
    Ok(text.to_owned())
}

/// The reader when nobody says: whoever sits at a terminal reads for themselves and takes nothing
/// from the mail.
pub fn usual() -> String {
    let (input, out, err) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    if !(input.is_terminal() || out.is_terminal() || err.is_terminal()) {
        return MAIL.to_owned();
    }
    let name = ["SUDO_USER", "LOGNAME", "USER"].iter().find_map(|key| std::env::var(key).ok());
    let uid = || format!("uid-{}", nix::unistd::getuid());
    let name = name.filter(|name| parse(name).is_ok()).unwrap_or_else(uid);
    format!("person:{name}")
}

/// Telling a reader.
pub struct Telling<'a> {
    /// Who.
    pub reader: &'a str,
    /// Which check of the host.
    pub scope: &'a str,
    /// The run.
    pub report: &'a Report,
    /// As a mail with its head.
    pub mail: bool,
}

impl Telling<'_> {
    /// What is printed: nothing where there is nothing, so that no mail is sent.
    fn text(&self, news: &News) -> String {
        if news.is_empty() {
            return String::new();
        }
        let headline = news.headline(&self.report.host.name);
        if self.mail {
            return mail(&headline, &news.render(), std::env::var("MAILTO").ok().as_deref());
        }
        format!("{headline}\n\n{}", news.render())
    }

    /// Prints what the reader has not been told, and notes that it has been once it is out.
    ///
    /// # Errors
    /// In words, when the reader could not be told.
    pub fn tell(
        &self,
        ledger: &mut Ledger,
        complaints: &[String],
        console: &Console,
    ) -> Result<(), String> {
        let (host, now) = (self.report.host.name.as_str(), self.report.time.as_second());
        let failed = |error| format!("what has changed could not be told: {error}");
        ledger.complain(host, self.scope, complaints, now).map_err(failed)?;
        let untold = ledger.untold(self.reader, host).map_err(failed)?;
        if untold.news.is_empty() && !untold.is_first {
            return Ok(());
        }
        match console.deliver(&self.text(&untold.news)) {
            Ok(()) => {}
            // Who went away before the end is told again.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(format!("standard output cannot be written: {error}")),
        }
        ledger.told(self.reader, host, untold.place, now).map_err(|error| {
            format!("that it was told could not be noted, so it will be told again: {error}")
        })
    }
}

/// A mail as `sendmail -t` takes it (RFC 5322): the head says everything in one line. To whom: `MAILTO`,
/// as cron has it, where that is an address or several and nothing else.
fn mail(headline: &str, body: &str, to: Option<&str>) -> String {
    let is_address = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~@,".contains(c);
    let to = to.filter(|to| !to.is_empty() && to.len() <= 500 && to.chars().all(is_address));
    let to = to.map(|to| format!("To: {to}\n")).unwrap_or_default();
    format!(
        "{to}Subject: {}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\nAuto-Submitted: auto-generated\n\n{body}",
        subject(headline)
    )
}

/// A head of a mail is ASCII and of bounded length; what is not is written as RFC 2047 has it.
fn subject(headline: &str) -> String {
    const LONGEST: usize = 200;
    let line: String = headline.chars().take(LONGEST).collect();
    if line.is_ascii() {
        return line;
    }
    // Words of at most 75 characters, none of which ends within a character.
    let mut words = Vec::new();
    let mut word = String::new();
    for c in line.chars() {
        let mut bytes = [0; 4];
        let mut own = String::new();
        for byte in c.encode_utf8(&mut bytes).bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => own.push(byte.into()),
                byte => own.push_str(&format!("={byte:02X}")),
            }
        }
        if word.len() + own.len() > 60 {
            words.push(std::mem::take(&mut word));
        }
        word.push_str(&own);
    }
    words.push(word);
    let words: Vec<String> = words.iter().map(|word| format!("=?utf-8?Q?{word}?=")).collect();
    words.join("\n ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_has_a_head_that_nobody_can_add_lines_to() {
        let to = mail("web1: high: 1 new", "body\n", Some("root,a@example.org"));
        assert!(to.starts_with("To: root,a@example.org\nSubject: web1: high: 1 new\n"), "{to}");
        assert!(to.ends_with("\n\nbody\n"), "{to}");
        let forged = mail("x", "body", Some("root\nBcc: eve@example.org"));
        assert!(forged.starts_with("Subject: x\n"), "{forged}");
        assert!(mail("wöb", "", None).starts_with("Subject: =?utf-8?Q?w=C3=B6b?=\n"));
        let long = subject(&"ö".repeat(100));
        assert!(long.lines().all(|line| line.len() <= 76 && line.is_ascii()), "{long}");
    }
}
