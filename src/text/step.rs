//! Corrective steps: which of them are commands, and the words and paths of one.
//!
//! Steps are written for people: some are commands, some are sentences. What is executed, or warned
//! about as if it were, has to be a command beyond doubt: one line, of a program that repairs, used as
//! it is used for that.

use super::printable;

/// Longest command that is executed, in bytes.
const LONGEST: usize = 2000;

/// Programs that change what a path of theirs leads to, links followed (`chown(1)`, `chmod(1)`, …).
const FOLLOWING: &[&str] = &[
    "chown", "chgrp", "chmod", "setfacl", "setcap", "chattr", "truncate", "touch", "cp", "install",
    "printf", "sed",
];
/// Programs that change the entry of a directory and not what it leads to (`rename(2)`, `unlink(2)`).
const OF_ENTRIES: &[&str] = &["rm", "mv", "ln", "mkdir"];

/// What is to be known of a path that a command names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// What it leads to is changed.
    Follows,
    /// Only its name is.
    Entry,
}

/// How a command treats the paths that it names; `None`: it changes no file by name.
pub fn touch(command: &str) -> Option<Touch> {
    let program = command.split(' ').next().unwrap_or_default();
    match program {
        _ if FOLLOWING.contains(&program) => Some(Touch::Follows),
        _ if OF_ENTRIES.contains(&program) => Some(Touch::Entry),
        _ => None,
    }
}

/// Why a step is no command.
///
/// # Errors
/// The reason, in words for whoever has to take the step by hand.
pub fn command(words: &str) -> Result<(), &'static str> {
    if words.len() > LONGEST || printable(words) != words {
        return Err("it is no single line of plain text");
    }
    let first = words.split(' ').next().unwrap_or_default();
    if first == "kill" {
        return Err("process ids are of the moment in which they were seen");
    }
    if words.contains(" $'") || !ends_its_quotes(words) {
        return Err("not every shell reads it as it is meant");
    }
    if !is_command(words) {
        return Err("it is no command that can be told from a sentence");
    }
    Ok(())
}

/// Whether it begins as a command does that repairs something.
fn is_command(words: &str) -> bool {
    let mut parts = words.split(' ').filter(|part| !part.is_empty());
    let (program, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let names_a_path = words
        .split(' ')
        .skip(1)
        .any(|part| part.starts_with('/') || part.starts_with("'/") || part.starts_with("\"/"));
    let has_option = second.starts_with('-');
    let verb = |verbs: &[&str]| verbs.contains(&second);
    match program {
        "chown" | "chgrp" | "chmod" | "rm" | "mv" | "cp" | "ln" | "mkdir" | "setfacl" | "touch"
        | "truncate" | "setcap" => names_a_path,
        "sed" | "install" | "journalctl" | "usermod" | "groupmod" | "gpasswd" | "passwd"
        | "useradd" | "groupadd" | "nginx" | "apachectl" => has_option,
        "userdel" | "groupdel" | "modprobe" | "rmmod" => words.split(' ').count() <= 3,
        "systemctl" => verb(&[
            "start",
            "stop",
            "restart",
            "reload",
            "enable",
            "disable",
            "mask",
            "unmask",
            "daemon-reload",
            "try-restart",
            "reload-or-restart",
        ]),
        "sysctl" => verb(&["-w", "-p", "--system"]),
        "mount" | "umount" => has_option || second.starts_with('/'),
        "printf" => second.starts_with('\''),
        "apt-get" | "dnf" | "yum" | "apk" | "zypper" => {
            verb(&["install", "remove", "purge", "upgrade", "reinstall", "add", "del"])
        }
        _ => false,
    }
}

/// Whether every quote that is opened is closed, and nothing goes on behind the line.
fn ends_its_quotes(words: &str) -> bool {
    let mut open = None;
    let mut chars = words.chars();
    while let Some(c) = chars.next() {
        match (open, c) {
            (None | Some('"'), '\\') if chars.next().is_none() => return false,
            (None, '#') => return true,
            (None, '\'' | '"') => open = Some(c),
            (Some(quote), c) if c == quote => open = None,
            _ => {}
        }
    }
    open.is_none() && !words.contains("<<")
}

/// A word of a command line, or a sign between commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A word without its quotes, where nothing in it is expanded.
    Word(String),
    /// A word of which a shell makes something else.
    Expanded(String),
    /// `&&`, `;`, `|`, `>`, `(` ...
    Sign,
}

/// The words of a command line up to its comment, by the rules of POSIX for quoting.
pub fn tokens(line: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut word: Option<(String, bool)> = None;
    let mut quote = None;
    let mut chars = line.chars();
    let end = |word: &mut Option<(String, bool)>, out: &mut Vec<Token>| {
        out.extend(word.take().map(|(text, plain)| match plain {
            true => Token::Word(text),
            false => Token::Expanded(text),
        }));
    };
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"'), '$' | '`') => push(&mut word, c, false),
            (Some(_), c) => push(&mut word, c, c != '\\' || quote == Some('\'')),
            (None, '\'' | '"') => {
                word.get_or_insert_with(|| (String::new(), true));
                quote = Some(c);
            }
            (None, '\\') => match chars.next() {
                Some(next) => push(&mut word, next, true),
                None => push(&mut word, '\\', false),
            },
            (None, ' ' | '\t') => end(&mut word, &mut out),
            (None, '#') if word.is_none() => return out,
            (None, ';' | '&' | '|' | '<' | '>' | '(' | ')') => {
                end(&mut word, &mut out);
                out.push(Token::Sign);
            }
            (None, '$' | '`' | '*' | '?' | '[' | '~' | '{') => push(&mut word, c, false),
            (None, c) => push(&mut word, c, true),
        }
    }
    end(&mut word, &mut out);
    out
}

/// Adds a character to a word; `is_plain`: it means itself.
fn push(word: &mut Option<(String, bool)>, c: char, is_plain: bool) {
    let (text, plain) = word.get_or_insert_with(|| (String::new(), true));
    text.push(c);
    *plain &= is_plain;
}

/// The absolute paths that a command line names.
pub fn paths(line: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for token in tokens(line) {
        if let Token::Word(text) | Token::Expanded(text) = token
            && text.starts_with('/')
            && !out.contains(&text)
        {
            out.push(text);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_sentences() {
        for words in [
            "chown nginx:nginx /etc/nginx/nginx.conf",
            "chmod u+rw '/srv/a b'",
            "sed -i '13s|listen 8081|listen 8080|' /etc/nginx/nginx.conf",
            "systemctl start nginx.service # once everything else here is repaired",
            "mkdir -p /etc/systemd/system/x.service.d && printf '%s\\n' '[Service]' > /etc/y",
            "userdel mallory",
        ] {
            assert_eq!(command(words), Ok(()), "{words}");
        }
        for sentence in [
            "Set User=nginx in a drop-in of nginx.service, then systemctl restart nginx.service",
            "install the package from its repository",
            "chmod it to 0600",
            "kill 4711",
            "systemctl edit nginx.service",
            "rm it",
            "chmod 0600 /etc/x\nreboot",
            "chmod 0600 '/etc/x",
            "chmod 0600 /etc/x \\",
            "chmod 0600 $'/etc/a\\012b'",
            "reboot",
            "",
        ] {
            assert!(command(sentence).is_err(), "{sentence}");
        }
    }

    #[test]
    fn words_are_those_that_a_shell_hands_over() {
        for line in
            ["chmod u+rw '/srv/a b'", "a 'it'\\''s' \"x y\" z\\ w", "x '' y # no", "a \"\" b"]
        {
            let script = format!("printf '%s\\n' {line}");
            let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
            let words: Vec<Token> = String::from_utf8(output.stdout)
                .unwrap()
                .lines()
                .map(|word| Token::Word(word.to_owned()))
                .collect();
            assert_eq!(tokens(line), words, "{line}");
        }
    }

    #[test]
    fn paths_are_found_behind_signs_and_in_quotes() {
        let line = "mkdir -p /etc/a.d && printf '%s\\n' '[Service]' '/no path' >'/etc/a.d/x y'";
        assert_eq!(paths(line), ["/etc/a.d", "/no path", "/etc/a.d/x y"]);
        assert_eq!(tokens("chmod 0 $HOME/x").last(), Some(&Token::Expanded("$HOME/x".into())));
    }
}
