//! Random trees of files with owners, modes, access control lists and links of every kind.

use super::plain_files::encode_acl;
use crate::support::random::Random;
use nix::sys::stat::Mode;
use spotcheck::facts::file::AclTag;
use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// The users and groups that the trees are about.
pub const FIRST_ID: u32 = 30_001;
pub const IDS: u32 = 8;

/// What the trees are made of.
impl Random {
    pub fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    fn number(&mut self, of: &[u32]) -> u32 {
        of[self.below(of.len())]
    }

    /// One of the ids, now and then 0.
    pub fn id(&mut self) -> u32 {
        if self.chance(10) { 0 } else { FIRST_ID + self.below(IDS as usize) as u32 }
    }

    fn perms(&mut self) -> u8 {
        self.below(8) as u8
    }
}

/// What has been made so far.
#[derive(Default)]
pub struct Tree {
    pub paths: Vec<PathBuf>,
    /// Links lead to siblings and upwards only.
    pub relative: bool,
}

impl Tree {
    /// Fills a directory that exists, at most four levels deep.
    pub fn grow(&mut self, random: &mut Random, place: &Path, depth: usize) {
        for number in 0..2 + random.below(4) {
            let path = place.join(format!("n{number}"));
            match random.below(100) {
                0..45 if depth < 4 => {
                    fs::create_dir(&path).unwrap();
                    self.paths.push(path.clone());
                    self.grow(random, &path, depth + 1);
                    adorn(random, &path, true);
                    continue;
                }
                0..70 => fs::write(&path, "").unwrap(),
                70..90 => {
                    let target = self.target(random, place);
                    symlink(target, &path).unwrap();
                    lchown(&path, Some(random.id()), Some(random.id())).unwrap();
                    self.paths.push(path);
                    continue;
                }
                90..95 => nix::unistd::mkfifo(&path, Mode::S_IRUSR).unwrap(),
                _ => drop(UnixListener::bind(&path).unwrap()),
            }
            adorn(random, &path, false);
            self.paths.push(path);
        }
    }

    /// Where a link leads: to something that exists, often; to nothing or itself, sometimes.
    fn target(&self, random: &mut Random, place: &Path) -> String {
        let sibling = format!("n{}", random.below(4));
        let known = if self.paths.is_empty() {
            place.to_owned()
        } else {
            self.paths[random.below(self.paths.len())].clone()
        };
        match random.below(if self.relative { 5 } else { 9 }) {
            0 => sibling,
            1 => format!("../{sibling}"),
            2 => format!("./../{sibling}/n0"),
            3 => "..".to_owned(),
            4 => format!("{sibling}/"),
            5 => format!("{}/", known.display()),
            6 => format!("{}/../n1", known.display()),
            _ => known.display().to_string(),
        }
    }

    /// A path that asks about a file in one of the ways there are to write it.
    pub fn question(&self, random: &mut Random) -> PathBuf {
        let path = self.paths[random.below(self.paths.len())].display().to_string();
        let suffix = random
            .pick(&["", "", "", "", "/", "/.", "/..", "/n0", "/n1", "/../n1", "/n0/n1", "//n2/."]);
        let path = if random.chance(10) { path.replacen("/n", "//./n", 1) } else { path };
        PathBuf::from(format!("{path}{suffix}"))
    }
}

/// Gives a file an owner, a mode and perhaps an access control list.
fn adorn(random: &mut Random, path: &Path, directory: bool) {
    lchown(path, Some(random.id()), Some(random.id())).unwrap();
    let usual: &[u32] = if directory {
        &[0o755, 0o711, 0o750, 0o751, 0o771, 0o777, 0o1777, 0o700, 0o744, 0o710, 0o071, 0o2775]
    } else {
        &[0o644, 0o640, 0o600, 0o664, 0o666, 0o755, 0o070, 0o604, 0o001, 0o000, 0o4755, 0o444]
    };
    let any = random.below(0o1000) as u32;
    let mode = if random.chance(60) { random.number(usual) } else { any };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    if random.chance(40) {
        let acl = encode_acl(&entries(random, directory));
        xattr::set(path, "system.posix_acl_access", &acl).expect("a filesystem with ACLs");
        if random.chance(15) {
            // Now chmod sets the mask.
            fs::set_permissions(path, fs::Permissions::from_mode(any)).unwrap();
        }
    }
}

fn entries(random: &mut Random, directory: bool) -> Vec<(AclTag, u8)> {
    // Directories that nobody can pass hide everything behind them.
    let search = u8::from(directory && random.chance(60));
    let mut entries = vec![
        (AclTag::UserObj, random.perms()),
        (AclTag::GroupObj, random.perms() | search),
        (AclTag::Other, random.perms() | search),
    ];
    for _ in 0..random.below(4) {
        entries.push((AclTag::User(random.id()), random.perms() | search));
    }
    for _ in 0..random.below(4) {
        entries.push((AclTag::Group(random.id()), random.perms() | search));
    }
    if entries.len() > 3 || random.chance(50) {
        let mask = match random.below(4) {
            0 => 0,
            1 => 7,
            _ => random.perms() | search,
        };
        entries.push((AclTag::Mask, mask));
    }
    entries
}
