//! A command that a machine may give, with the files that it names and which files these were.
//!
//! Between the run and the script somebody may have put another file in the place of one: a link, say,
//! to /etc/shadow. So a change of rights, which is most of what is repaired, is made through a
//! descriptor of the very file that was seen (device and inode), and before any other command the ways
//! to its files are looked at.

use super::steps::Step;
use crate::actions::Presence;
use crate::actions::export::whole::Whole;
use crate::actions::items::evidence::EvidenceRecord;
use crate::text::shell;
use crate::text::step::{Token, Touch, paths, tokens, touch};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Which files were seen: by path, `device:inode` as `stat -c %d:%i` prints it, one for each host.
#[derive(Default)]
pub struct Seen(BTreeMap<String, BTreeSet<String>>);

impl Seen {
    /// What items have kept as evidence of what is violated now.
    pub fn of(items: &[Whole]) -> Self {
        let mut seen = Self::default();
        let all = items.iter().flat_map(|whole| &whole.occurrences);
        for occurrence in all.filter(|one| one.presence == Presence::Present) {
            for one in EvidenceRecord::from_json(&occurrence.evidence_now).seen {
                let number = |name: &str| one.get(name).and_then(Value::as_u64);
                let path = one.get("path").and_then(Value::as_str);
                // Evidence of versions before has no device, and then nothing to go by.
                if let (Some(path), Some(device), Some(inode)) =
                    (path, number("device"), number("inode"))
                {
                    let identity = format!("{device}:{inode}");
                    seen.0.entry(path.to_owned()).or_default().insert(identity);
                }
            }
        }
        seen
    }
}

/// A change of rights of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// `chown`, `chgrp` or `chmod`.
    pub program: &'static str,
    /// Owner, group or mode.
    pub what: String,
}

/// A file that a command names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its path.
    pub path: String,
    /// Which it was, where that is known.
    pub seen: BTreeSet<String>,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// As it was written.
    pub text: String,
    /// Set where it changes rights of one file and does nothing else.
    pub rights: Option<Rights>,
    /// The files that it changes.
    pub names: Vec<Named>,
    /// How it treats them.
    pub touch: Option<Touch>,
    /// The directory below which they lie, where that is not `/`.
    pub root: Option<String>,
}

impl Command {
    /// A line that is a command beyond doubt.
    pub fn new(text: &str, seen: &Seen) -> Self {
        let touch = touch(text);
        let named =
            |path: String| Named { seen: seen.0.get(&path).cloned().unwrap_or_default(), path };
        let names = touch.map(|_| paths(text).into_iter().map(named).collect());
        Self {
            text: text.to_owned(),
            rights: rights(text),
            names: names.unwrap_or_default(),
            touch,
            root: None,
        }
    }

    /// The same for the file below a directory, where a machine may do that: to the file that was
    /// seen, by the accounts of that root.
    pub fn below(mut self, root: &Path) -> Step {
        let is_known = self.names.iter().all(|name| !name.seen.is_empty());
        let (Some(root), Some(_), true) = (root.to_str(), &self.rights, is_known) else {
            return Step::ByHand(self.text, "only a change of rights is made below a directory");
        };
        self.root = Some(root.trim_end_matches('/').to_owned());
        Step::Command(self)
    }

    /// How a script gives it.
    pub fn for_script(&self, here: &str) -> String {
        let word = |text: &str| shell::quote(text.as_bytes());
        let known =
            |name: &Named| name.seen.iter().map(|one| format!(" {one}")).collect::<String>();
        if let (Some(rights), [name]) = (&self.rights, self.names.as_slice()) {
            let (program, what) = (rights.program, word(&rights.what));
            let known = known(name);
            return match &self.root {
                Some(root) => {
                    let (root, path) = (word(root), word(&format!("{root}{}", name.path)));
                    format!("rights_below {root} {program} {what} {path}{known} {here}")
                }
                None => format!("rights {program} {what} {}{known} {here}", word(&name.path)),
            };
        }
        let mut out = String::new();
        for name in &self.names {
            let kind = if self.touch == Some(Touch::Entry) { "entry" } else { "follows" };
            out.push_str(&format!("at {kind} {}{}\n", word(&name.path), known(name)));
        }
        out + &format!("step {here}")
    }
}

/// `chown [-h] OWNER PATH`, `chgrp`, `chmod MODE PATH`, and nothing else.
fn rights(line: &str) -> Option<Rights> {
    let words: Option<Vec<String>> = tokens(line)
        .into_iter()
        .map(|token| match token {
            Token::Word(word) => Some(word),
            _ => None,
        })
        .collect();
    let words = words?;
    let mut words = words.iter().map(String::as_str).collect::<Vec<_>>();
    let program =
        ["chown", "chgrp", "chmod"].into_iter().find(|name| words.first() == Some(name))?;
    if program != "chmod" && words.get(1) == Some(&"-h") {
        words.remove(1);
    }
    match words.as_slice() {
        [_, what, path] if !what.starts_with('-') && path.starts_with('/') => {
            Some(Rights { program, what: (*what).to_owned() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> Command {
        let mut seen = Seen::default();
        seen.0.entry("/etc/x y".to_owned()).or_default().insert("1:2".into());
        Command::new(text, &seen)
    }

    #[test]
    fn a_change_of_rights_is_made_to_the_file_that_was_seen() {
        let own = command("chown -h a:b '/etc/x y' # theirs");
        assert_eq!(own.for_script("<"), "rights chown a:b '/etc/x y' 1:2 <");
        let Step::Command(below) = own.below(Path::new("/srv/r/")) else { panic!() };
        let line = "rights_below /srv/r chown a:b '/srv/r/etc/x y' 1:2 <";
        assert_eq!(below.for_script("<"), line);
    }

    #[test]
    fn what_changes_more_than_rights_has_its_ways_looked_at() {
        assert_eq!(command("rm /x").for_script("<"), "at entry /x\nstep <");
        let two = "chmod 0 /y '/etc/x y'";
        assert_eq!(
            command(two).for_script("<"),
            "at follows /y\nat follows '/etc/x y' 1:2\nstep <"
        );
        for more in ["chmod -R 0 /x", "chown --from=a b /x", "chown a /x && reboot", "chmod 0 /x$y"]
        {
            assert_eq!(command(more).rights, None, "{more}");
            assert!(matches!(command(more).below(Path::new("/r")), Step::ByHand(..)));
        }
        assert_eq!(command("systemctl start x").for_script("<"), "step <");
    }
}
