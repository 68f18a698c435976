//! How `/proc` is mounted: `hidepid=` of `proc(5)` decides which processes a reader sees at all.

/// What a mount of `/proc` hides from users without privilege.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HidePid {
    /// Nothing, or (`hidepid=1`) only what is in a process's directory, which gives an error.
    Visible,
    /// The processes of others are not listed (`hidepid=2`, `hidepid=invisible`, `hidepid=4`,
    /// `hidepid=ptraceable`), except for the members of a group.
    Hidden {
        /// `gid=`: members of this group see everything.
        except: Option<u32>,
    },
}

/// The state of `/proc` by the content of `/proc/self/mountinfo` (`proc_pid_mountinfo(5)`).
///
/// The last mount on `/proc` is the one that is seen. `None` if nothing is mounted there or it is
/// not of type `proc`.
pub fn hide_pid(bytes: &[u8]) -> Option<HidePid> {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().rfind(|line| line.split(' ').nth(4) == Some("/proc"))?;
    let (_, source) = line.split_once(" - ")?;
    let mut words = source.split(' ');
    if words.next() != Some("proc") {
        return None;
    }
    let options = words.nth(1).unwrap_or_default();
    let value = |name: &str| {
        options.split(',').find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
    };
    Some(match value("hidepid") {
        Some("2" | "invisible") => {
            HidePid::Hidden { except: value("gid").and_then(|gid| gid.parse().ok()) }
        }
        // The group is of no avail for this one.
        Some("4" | "ptraceable") => HidePid::Hidden { except: None },
        _ => HidePid::Visible,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(options: &str) -> Option<HidePid> {
        let text = format!(
            "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
             21 20 0:5 / /proc rw,nosuid shared:12 - proc proc {options}\n\
             22 21 0:6 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw,hidepid=2\n"
        );
        hide_pid(text.as_bytes())
    }

    #[test]
    fn the_options_of_the_superblock_decide() {
        assert_eq!(with("rw"), Some(HidePid::Visible));
        assert_eq!(with("rw,hidepid=1"), Some(HidePid::Visible));
        assert_eq!(with("rw,hidepid=noaccess"), Some(HidePid::Visible));
        assert_eq!(with("rw,hidepid=2"), Some(HidePid::Hidden { except: None }));
        assert_eq!(with("rw,gid=27,hidepid=invisible"), Some(HidePid::Hidden { except: Some(27) }));
        assert_eq!(with("rw,gid=27,hidepid=ptraceable"), Some(HidePid::Hidden { except: None }));
    }

    #[test]
    fn the_last_mount_counts_and_must_be_proc() {
        let line = |id, kind| format!("{id} 1 0:5 / /proc rw - {kind} x rw\n");
        let over = line(1, "proc") + &line(2, "tmpfs");
        assert_eq!(hide_pid(over.as_bytes()), None);
        assert_eq!(hide_pid(b""), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "((/proc| - |proc|hidepid=|[ 0-9,\n])|\\PC){0,60}") {
            let _ = hide_pid(text.as_bytes());
        }
    }
}
