//! The name service switch as `nsswitch.conf(5)` writes it: which services answer for a database.

/// The services of a database, such as `files` and `sss` of `group: files [SUCCESS=merge] sss`; `None`
/// where the file does not name it. Of several lines the last counts (`process_line()` of glibc's
/// `nss/nss_database.c`), and names are written as they are there.
///
/// What stands in brackets decides whether the next service is asked too. That depends on the answer,
/// so every service counts as asked.
pub fn services<'a>(text: &'a str, database: &str) -> Option<Vec<&'a str>> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let mut of_it = lines.filter_map(|line| line.split_once(':'));
    let (_, mut rest) = of_it.rfind(|(name, _)| name.trim() == database)?;
    let mut found = Vec::new();
    while let Some(start) = rest.find(|c: char| !c.is_whitespace()) {
        rest = rest.get(start..).unwrap_or_default();
        let brackets = rest.starts_with('[');
        let ends = |c: char| if brackets { c == ']' } else { c.is_whitespace() || c == '[' };
        let end = rest.find(ends).map_or(rest.len(), |end| end + usize::from(brackets));
        let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if !brackets {
            found.push(word);
        }
        rest = after;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_told_from_what_decides_whether_the_next_is_asked() {
        let text = "# group: ldap\npasswd:\tfiles systemd sss # ours\ngroup: files [SUCCESS=merge]sss\n\
                    hosts: files dns\ngroup:files[!UNAVAIL=return continue]  winbind\nshadow:\n";
        assert_eq!(services(text, "passwd"), Some(vec!["files", "systemd", "sss"]));
        assert_eq!(services(text, "group"), Some(vec!["files", "winbind"]));
        assert_eq!(services(text, "shadow"), Some(Vec::new()));
        assert_eq!(services(text, "initgroups"), None);
        assert_eq!(services("group: files [SUCCESS=merge", "group"), Some(vec!["files"]));
    }
}
