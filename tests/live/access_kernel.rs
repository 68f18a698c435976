//! `access::decide` against the kernel itself: random trees, users with random groups and
//! capabilities, and for every question a process that has become the user and tries.
//!
//! `SPOTCHECK_SEED=number` repeats a run. Whether `fs.protected_symlinks` counts is taken from
//! the host, so either value of it is tested by running on a host that has it.

// Tests may be blunt; clippy.toml says so for test functions, this for their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::kernel_probe::{Probe, Somebody};
use crate::plain_files::PlainFiles;
use crate::random_tree::{FIRST_ID, IDS, Tree};
use crate::support::random::Random;
use spotcheck::access::{Credentials, Permission, Person, decide, decide_entry, who_controls};
use spotcheck::facts::capability::{DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, mask};
use spotcheck::host::Files;
use spotcheck::targets::offline::Still;
use spotcheck::targets::rootfs::Rootfs;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

const WANTED: [Permission; 3] = [Permission::Read, Permission::Write, Permission::Execute];
const TREES: usize = 60;
const QUESTIONS_PER_TREE: usize = 40;

/// Says so past the harness, which keeps the output of passing tests to itself.
fn is_root(test: &str) -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        let line = format!("SKIPPED (needs root): {test}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    root
}

/// The letter that the kernel should give according to `decide`.
fn expected(files: &PlainFiles, path: &Path, who: &Credentials, wanted: Permission) -> char {
    match decide(files, path, who, wanted) {
        Ok(Some(ruling)) if ruling.allowed => 'y',
        Ok(Some(_)) => 'n',
        Ok(None) => '0',
        Err(unknown) => panic!("root sees everything: {unknown}"),
    }
}

/// Everything that the answer depends on, for a counter-example.
fn describe(files: &PlainFiles, path: &Path) -> String {
    let mut text = String::new();
    let mut so_far = PathBuf::new();
    for component in path.components() {
        so_far.push(component);
        let Ok(Some(fact)) = files.file(&so_far) else { break };
        let _ = writeln!(
            text,
            "    {} {} {}:{} {} {:?} {:?}",
            fact.kind.letter(),
            fact.mode,
            fact.uid,
            fact.gid,
            so_far.display(),
            fact.link_target,
            files.acl(&so_far).ok().flatten().map(|acl| acl.entries),
        );
    }
    text
}

fn everybody(random: &mut Random) -> Vec<Somebody> {
    let mut people: Vec<Somebody> = (FIRST_ID..FIRST_ID + IDS)
        .map(|uid| {
            let groups: Vec<u32> = (0..random.below(4)).map(|_| random.id()).collect();
            Somebody::new(uid, random.id(), &groups)
        })
        .collect();
    let override_only = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
    let search_only = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];
    let both_dropped = ["--bounding-set=-dac_override,-dac_read_search"];
    people.extend([
        Somebody::new(0, 0, &[]),
        Somebody::new(0, 0, &[FIRST_ID]).with(&both_dropped),
        Somebody::new(0, 0, &[]).with(&["--bounding-set=-dac_override"]),
        Somebody::new(FIRST_ID, FIRST_ID, &[FIRST_ID + 1]).with(&override_only),
        Somebody::new(FIRST_ID + 1, FIRST_ID, &[]).with(&search_only),
        Somebody::new(65_534, 65_534, &[]),
        Somebody::new(FIRST_ID + 2, FIRST_ID, &[])
            .with(&["--inh-caps=+fowner", "--ambient-caps=+fowner"]),
    ]);
    people
}

/// A seed from the environment, or a new one.
fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    let seed = std::env::var("SPOTCHECK_SEED").map_or(now.into(), |text| text.parse().unwrap());
    println!("SPOTCHECK_SEED={seed}");
    seed
}

#[test]
fn decisions_are_those_of_the_kernel() {
    if !is_root("decisions_are_those_of_the_kernel") {
        return;
    }
    let seed = seed();
    let mut random = Random(seed);
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut questions = Vec::new();
    for number in 0..TREES {
        let root = place.path().join(format!("t{number}"));
        fs::create_dir(&root).unwrap();
        let mut tree = Tree::default();
        tree.grow(&mut random, &root, 0);
        questions.extend((0..QUESTIONS_PER_TREE).map(|_| tree.question(&mut random)));
    }

    let files = PlainFiles::default();
    let no_execution = nix::sys::statvfs::statvfs(place.path())
        .is_ok_and(|of| of.flags().contains(nix::sys::statvfs::FsFlags::ST_NOEXEC));
    let probe = Probe::new();
    let (mut compared, mut tally, mut names) = (0, [0; 3], [0; 3]);
    let mut wrong = String::new();
    for somebody in everybody(&mut random) {
        let (who, answers) = probe.ask(&somebody, &[], &questions);
        for (path, letters) in answers {
            if crate::kernel_probe::ends_in_a_name(&path) {
                let ours = expected_entry(&files, &path, &who);
                if let Some(kind) = ['y', 'n', '0'].iter().position(|letter| *letter == letters[3])
                {
                    names[kind] += 1;
                }
                if ours != letters[3] && wrong.len() < 20_000 {
                    let _ = writeln!(
                        wrong,
                        "name {} as {who:?}: kernel {}, decide_entry {ours}: {:?}\n{}",
                        path.display(),
                        letters[3],
                        decide_entry(&files, &path, &who),
                        describe(&files, &path),
                    );
                }
            }
            for (wanted, kernel) in WANTED.into_iter().zip(letters) {
                if no_execution && wanted == Permission::Execute {
                    continue;
                }
                let ours = expected(&files, &path, &who, wanted);
                compared += 1;
                if let Some(kind) = ['y', 'n', '0'].iter().position(|letter| *letter == kernel) {
                    tally[kind] += 1;
                }
                if ours != kernel && wrong.len() < 20_000 {
                    let _ = writeln!(
                        wrong,
                        "{wanted:?} {} as {who:?}: kernel {kernel}, decide {ours}: {:?}\n{}",
                        path.display(),
                        decide(&files, &path, &who, wanted),
                        describe(&files, &path),
                    );
                }
            }
        }
    }
    println!(
        "{compared} comparisons: {} allowed, {} denied, {} missing",
        tally[0], tally[1], tally[2]
    );
    assert!(wrong.is_empty(), "SPOTCHECK_SEED={seed}\n{wrong}");
    assert!(compared >= 5_000 && tally.iter().all(|count| count * 20 > compared), "{tally:?}");
    println!("names: {} replaceable, {} not, {} without directory", names[0], names[1], names[2]);
    let all: i32 = names.iter().sum();
    assert!(all >= 5_000 && names[..2].iter().all(|count| count * 20 > all), "{names:?}");
}

/// The letter that the kernel should give according to `decide_entry`.
fn expected_entry(files: &PlainFiles, path: &Path, who: &Credentials) -> char {
    match decide_entry(files, path, who) {
        Ok(Some(ruling)) if ruling.allowed => 'y',
        Ok(Some(_)) => 'n',
        Ok(None) => '0',
        Err(unknown) => panic!("root sees everything: {unknown}"),
    }
}

/// Every path that a resolution looks up, links followed: told with nothing but `readlink`, so that
/// it does not depend on what is tested. The last one may not exist.
fn looked_up(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut here = PathBuf::from("/");
    let mut pending: Vec<String> =
        path.to_str().unwrap().split('/').rev().map(str::to_owned).collect();
    for _ in 0..400 {
        let Some(name) = pending.pop() else { break };
        match name.as_str() {
            "" | "." => continue,
            ".." => {
                here.pop();
                continue;
            }
            _ => {}
        }
        let next = here.join(&name);
        found.push(next.clone());
        match fs::read_link(&next) {
            Ok(target) => {
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                pending.extend(target.to_str().unwrap().split('/').rev().map(str::to_owned));
            }
            Err(_) if next.is_dir() => here = next,
            Err(_) => break,
        }
    }
    found
}

/// Whether somebody controls a path, tried out: any name on the way replaced or created, any
/// directory or the file itself owned, the file written. Compared with `who_controls` for everybody.
#[test]
fn whoever_controls_a_path_can_really_do_so() {
    if !is_root("whoever_controls_a_path_can_really_do_so") {
        return;
    }
    let seed = seed();
    let mut random = Random(seed);
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // A root filesystem with accounts of its own for exactly the ids that the trees are about.
    let root = place.path().join("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    let ids = FIRST_ID..FIRST_ID + IDS;
    let groups: Vec<BTreeSet<u32>> =
        ids.clone().map(|_| (0..random.below(4)).map(|_| random.id()).collect()).collect();
    let passwd = ids.clone().map(|id| format!("u{id}:x:{id}:{id}::/:/bin/sh\n"));
    let passwd = format!("root:x:0:0::/:/bin/sh\n{}", passwd.collect::<String>());
    fs::write(root.join("etc/passwd"), passwd).unwrap();
    let members = |gid: u32| -> String {
        let names = ids.clone().zip(&groups).filter(|(_, of)| of.contains(&gid));
        names.map(|(id, _)| format!("u{id}")).collect::<Vec<_>>().join(",")
    };
    let lines: String =
        ids.clone().chain([0]).map(|gid| format!("g{gid}:x:{gid}:{}\n", members(gid))).collect();
    fs::write(root.join("etc/group"), lines).unwrap();
    // The kernel resolves absolute links from its own root, so the trees have relative ones only.
    let mut tree = Tree { relative: true, ..Tree::default() };
    for number in 0..40 {
        let top = root.join(format!("t{number}"));
        fs::create_dir(&top).unwrap();
        tree.grow(&mut random, &top, 0);
    }
    let questions: BTreeSet<PathBuf> = (0..1200)
        .map(|_| tree.question(&mut random))
        .filter(|path| crate::kernel_probe::ends_in_a_name(path))
        .collect();
    // A resolution that leaves the root would be another one inside.
    let inside = |path: &PathBuf| {
        looked_up(path).iter().skip_while(|p| root.starts_with(p)).all(|p| p.starts_with(&root))
    };
    let questions: Vec<PathBuf> = questions.into_iter().filter(inside).collect();
    let steps: BTreeSet<PathBuf> = questions
        .iter()
        .flat_map(|path| looked_up(path))
        .filter(|step| step.starts_with(&root) && *step != root)
        .collect();
    let steps: Vec<PathBuf> = steps.into_iter().collect();

    let target = Still::new("random", Rootfs::open(&root).unwrap(), None);
    let probe = Probe::new();
    let (mut compared, mut controlled) = (0, 0);
    let mut wrong = String::new();
    for (uid, groups) in ids.clone().zip(&groups) {
        let groups: Vec<u32> = groups.iter().copied().collect();
        let (_, answers) = probe.ask(&Somebody::new(uid, uid, &groups), &[], &steps);
        let can: std::collections::HashMap<PathBuf, [char; 5]> = answers.into_iter().collect();
        for path in &questions {
            let way = looked_up(path);
            // The file at the end counts only where the path really ends there.
            let end = fs::canonicalize(path).ok();
            let kernel = way.iter().filter(|step| can.contains_key(*step)).any(|step| {
                let [_, write, _, entry, own] = can[step];
                let at_end = end.as_ref() == Some(step);
                // Who owns a directory that is only left again by `..` decides nothing.
                let looked_into = way.iter().any(|other| other.parent() == Some(step));
                entry == 'y' || (own == 'y' && (at_end || looked_into)) || (write == 'y' && at_end)
            });
            let within = Path::new("/").join(path.strip_prefix(&root).unwrap());
            let control = who_controls(&target, &within);
            if control.gap.is_some() {
                continue;
            }
            let is = |person: &Person| person.uid == Some(uid);
            let ours = control
                .ways
                .iter()
                .any(|way| is(&way.who) || way.who.is_everyone() && !way.except.iter().any(is));
            compared += 1;
            controlled += usize::from(kernel);
            if ours != kernel && wrong.len() < 20_000 {
                let _ = writeln!(
                    wrong,
                    "{} as {uid} {groups:?}: kernel {kernel}, who_controls {ours}",
                    path.display(),
                );
                for way in control.ways.iter().filter(|way| is(&way.who) || way.who.is_everyone()) {
                    let _ = writeln!(wrong, "  {} {} {:?}", way.who, way.right, way.object);
                }
                for step in &way {
                    let _ = writeln!(wrong, "  {} {:?}", step.display(), can.get(step));
                }
                wrong.push_str(&describe(&PlainFiles::default(), path));
            }
        }
    }
    println!("{compared} comparisons: {controlled} controlled");
    assert!(wrong.is_empty(), "SPOTCHECK_SEED={seed}\n{wrong}");
    assert!(compared >= 2_000, "{compared}");
    assert!(controlled * 20 > compared && (compared - controlled) * 50 > compared, "{controlled}");
}

#[test]
fn capability_variants_are_what_they_claim_to_be() {
    if !is_root("capability_variants_are_what_they_claim_to_be") {
        return;
    }
    let probe = Probe::new();
    let held: Vec<(u32, u64)> = everybody(&mut Random(1))
        .iter()
        .skip(IDS as usize)
        .map(|somebody| probe.ask(somebody, &[], &[]).0)
        .map(|who| {
            let three = mask(DAC_OVERRIDE) | mask(DAC_READ_SEARCH) | mask(FOWNER);
            (who.uid, who.capabilities & three)
        })
        .collect();
    let (search, owner) = (mask(DAC_READ_SEARCH), mask(FOWNER));
    let claimed = [
        (0, mask(DAC_OVERRIDE) | search | owner),
        (0, owner),
        (0, search | owner),
        (FIRST_ID, mask(DAC_OVERRIDE)),
        (FIRST_ID + 1, search),
        (65_534, 0),
        (FIRST_ID + 2, owner),
    ];
    assert_eq!(held, claimed);
}
